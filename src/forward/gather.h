/* gather.h - records of one stream become one request, while a load runs.
 *
 * A load hands over the records it reads. The first of a stream takes a request,
 * later ones of the same stream join it, until it is full. One that stayed alone
 * is built as if there were no gathering, from its bytes as they lay on disk.
 *
 * Owns     merging state and copies of the first records; requests stay the load's.
 * Threads  worker.
 * Fails    E_NOMEM     no memory, or the budget is used up: the record was not taken
 *          E_INVAL     this record goes alone
 *          E_NOTFOUND  it would need a request of its own, and none is left
 */
#ifndef PICKET_FORWARD_GATHER_H
#define PICKET_FORWARD_GATHER_H

#include "envelope/merge.h"
#include "forward/state.h"

struct gathering {
	struct request *r;
	struct merger *merger;
	struct stream_key key;
	int64_t offset_ms; /* of the sender's clock, by its sent_at */
	struct buf first;  /* the first record, packed */
	bool is_full;
	bool refused; /* the merger took not even the first: it goes alone */
};

struct gatherer {
	struct build_order *order;
	struct gathering of[LOAD_MAX];
	unsigned n;
	struct buf plain;
};

void gatherer_init(struct gatherer *g, struct build_order *order);
void gatherer_fini(struct gatherer *g);

/* record is bytes, unpacked. request: the next free one, NULL when there is
 * none; *took_request when it was used. */
int gather_record(struct gatherer *g, struct str bytes, const struct record *record,
	const struct retry *from, struct request *request, bool *took_request);

/* Builds all requests. report (may be NULL) rides on the first that is merged;
 * *written is set to NULL when it did. What cannot be built now is marked
 * BUILD_AGAIN. */
void gather_build(struct gatherer *g, struct report *report, struct report **written,
	struct build_scratch *s);

#endif
