/* private.h - what the files of ingest share.
 *
 * Owns     struct ingest owns listeners and connections; a connection its
 *          request until that is complete; a complete request lives on its own.
 * Threads  loop thread.
 */
#ifndef PICKET_INGEST_PRIVATE_H
#define PICKET_INGEST_PRIVATE_H

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/buf.h"
#include "ingest/deadline.h"
#include "ingest/guard.h"
#include "ingest/ingest.h"

struct connection;
struct listener;
struct request;

TAILQ_HEAD(connection_list, connection);
TAILQ_HEAD(request_list, request);
SLIST_HEAD(listener_list, listener);

/* One read from a socket. Larger bodies are read straight into their place. */
#define READ_BYTES ((size_t)64 * 1024)

struct ingest {
	uv_loop_t *loop;
	const struct ingest_ops *ops;
	struct settings *settings;
	struct budget *budget;
	const struct clock *clock;
	struct log *log;
	struct counters *counters;
	size_t inline_bytes;
	bool dev;

	struct guard_uids uids;
	struct deadlines deadlines;
	struct listener_list listeners;
	size_t listener_count;
	struct connection_list connections;
	size_t connection_count;      /* handles not closed yet */
	size_t serving_count;         /* of these, the ones that count for max_connections */
	struct request_list requests; /* complete ones without an answer */
	struct request_list spare;    /* a few to use again, without content */
	size_t spare_count;
	size_t working_count; /* on the worker pool now */
	struct buf answer;    /* scratch: the answer being built */
	char *read_buffer;

	bool closing, forced, closed;
	uv_timer_t grace;
	void (*done)(void *arg);
	void *done_arg;
};

#define INGEST_COUNT(in, field, by)                                                                \
	do {                                                                                       \
		if ((in)->counters != NULL)                                                        \
			(in)->counters->field += (by);                                             \
	} while (0)

/* From every completion while closing: ends the close when nothing is left. */
void ingest_maybe_closed(struct ingest *in);

#endif
