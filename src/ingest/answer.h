/* answer.h - the text of answers (protocol.md 5).
 *
 * Owns     nothing: appends to a buffer.
 * Threads  any.
 */
#ifndef PICKET_INGEST_ANSWER_H
#define PICKET_INGEST_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"
#include "endpoint/endpoint.h"

/* What CORS says about an answer; nothing for most clients (4.5). */
enum answer_cors { CORS_NONE, CORS_ANY, CORS_ORIGIN };

/* How the connection of an answer goes on. */
struct answer_frame {
	bool close;      /* the connection ends with this answer */
	bool keep_alive; /* say so: an HTTP/1.0 client asked for it */
	bool head_only;  /* HEAD: all headers, no body */
	enum answer_cors cors;
	struct str origin; /* for CORS_ORIGIN */
};

/* The answer of this kind; id NULL: there is none ({} where it would stand).
 * Returns its status. */
int answer_accepted(const struct answer_frame *f, enum endpoint_success kind,
	const struct event_id *id, struct str limits, struct buf *out);

/* An error: detail goes into the body and, cleaned, into X-Sentry-Error. allow
 * is the value of Allow, "" for none; retry_after_s 0 for none. */
void answer_refused(const struct answer_frame *f, int status, struct str detail,
	uint32_t retry_after_s, struct str limits, struct str allow, struct buf *out);

/* goes_on: more follows the body until the connection ends; it has no length. */
void answer_page(const struct answer_frame *f, int status, struct str content_type, struct str body,
	bool goes_on, struct buf *out);

/* OPTIONS: a preflight's answer when f->cors says so, else an empty 200. */
void answer_options(const struct answer_frame *f, struct str allow, struct buf *out);

/* The same as one JSON line each, for raw connections. */
void answer_raw_accepted(const struct event_id *id, struct str limits, struct buf *out);
void answer_raw_refused(
	int status, struct str detail, uint32_t retry_after_s, struct str limits, struct buf *out);

#define ANSWER_CONTINUE STR("HTTP/1.1 100 Continue\r\n\r\n")

#endif
