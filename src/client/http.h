/* http.h - one request to the daemon's HTTP socket and its answer.
 *
 * As little HTTP/1.1 as picketd needs: a connection per request, answers with
 * Content-Length or up to the end.
 *
 * Owns     an answer owns its body, until http_answer_fini().
 * Threads  any.
 * Fails    as stream.h; E_SYNTAX when the answer is no HTTP, E_TOOBIG when its
 *          headers or body are beyond 64 KiB or 64 MiB
 */
#ifndef PICKET_CLIENT_HTTP_H
#define PICKET_CLIENT_HTTP_H

#include "client/stream.h"

struct http_request {
	const char *method; /* "GET" or "POST" */
	const char *target;
	const char *host;    /* of the Host header */
	const char *headers; /* whole lines with CR LF each; "" for none */
	struct str body;     /* sent with a Content-Length when the method is POST */
};

struct http_answer {
	int status;
	uint32_t retry_after_s; /* 0 when there is none */
	struct buf body;
};

/* Answers that come before the body is sent (413) are read as well. */
int http_exchange(int fd, const struct http_request *q, struct deadline d, struct http_answer *ret,
	struct err *err);
void http_answer_fini(struct http_answer *a);

/* Reads "HTTP/1.1 200 OK" and the headers that matter. head is everything up
 * to the empty line. *has_length: Content-Length was there. */
int http_parse_head(struct str head, struct http_answer *ret, uint64_t *length, bool *has_length,
	struct err *err);

#endif
