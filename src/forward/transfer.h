/* transfer.h - one libcurl easy handle and the exchange it carries.
 *
 * The handle and its header list are used again for the next exchange; only
 * what differs is set each time.
 *
 * Owns     the easy handle, captured header text. Not the exchange.
 * Threads  loop thread.
 */
#ifndef PICKET_FORWARD_TRANSFER_H
#define PICKET_FORWARD_TRANSFER_H

#include <curl/curl.h>

#include "base/buf.h"
#include "config/settings.h"
#include "forward/transport.h"

#define TRANSFER_HEADERS 96

struct transfer {
	CURL *easy;
	struct exchange *x;
	unsigned generation; /* of the settings it is set up for */
	struct curl_slist headers[TRANSFER_HEADERS];
	struct buf rate_limits, retry_after;
	size_t answer_bytes;
	bool is_overlong; /* we stopped reading an answer that would not end */
	bool is_complete; /* the headers of the final answer were read */
	char error[CURL_ERROR_SIZE];
	struct transfer *next;
};

struct transfer *transfer_new(void);
void transfer_free(struct transfer *tr);
/* Sets the handle up for tr->x. E_NOMEM, E_INVAL. */
int transfer_start(struct transfer *tr, const struct settings *s, unsigned generation);
/* Fills in the answer. */
void transfer_finish(struct transfer *tr, CURLcode code);

#endif
