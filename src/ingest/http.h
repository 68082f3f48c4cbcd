/* http.h - bytes of an HTTP/1 connection in, facts about requests out.
 *
 * Wraps llhttp so that nobody else sees its callbacks. The parser stops twice
 * per request: when the head is complete, so that the request can be judged
 * before its body is read, and when the request is complete, so that the next
 * one is not touched before this one is answered. No socket, no clock.
 *
 * Owns     the text of the head, until the next request begins.
 * Threads  one at a time.
 * Fails    HTTP_FAILED: fault says why; the connection cannot be used any more.
 */
#ifndef PICKET_INGEST_HTTP_H
#define PICKET_INGEST_HTTP_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Request headers that mean something here. The others are counted, and dropped
 * unless wants_rest() asks for them.
 * HTTP_FIELD(id, name, repeated values are joined with a comma) */
#define HTTP_FIELDS(HTTP_FIELD)                                                                    \
	HTTP_FIELD(HOST, "host", false)                                                            \
	HTTP_FIELD(ORIGIN, "origin", false)                                                        \
	HTTP_FIELD(REFERER, "referer", false)                                                      \
	HTTP_FIELD(USER_AGENT, "user-agent", false)                                                \
	HTTP_FIELD(SENTRY_AUTH, "x-sentry-auth", false)                                            \
	HTTP_FIELD(AUTHORIZATION, "authorization", false)                                          \
	HTTP_FIELD(CONTENT_ENCODING, "content-encoding", true)                                     \
	HTTP_FIELD(TRANSFER_ENCODING, "transfer-encoding", true)                                   \
	HTTP_FIELD(EXPECT, "expect", true)                                                         \
	HTTP_FIELD(CF_CONNECTING_IP, "cf-connecting-ip", false)                                    \
	HTTP_FIELD(VERCEL_FORWARDED_FOR, "x-vercel-forwarded-for", true)                           \
	HTTP_FIELD(SENTRY_FORWARDED_FOR, "x-sentry-forwarded-for", true)                           \
	HTTP_FIELD(FORWARDED_FOR, "x-forwarded-for", true)

enum http_field {
#define HTTP_FIELD_ENUM(id, name, joined) FIELD_##id,
	HTTP_FIELDS(HTTP_FIELD_ENUM)
#undef HTTP_FIELD_ENUM
		FIELD_COUNT
};

enum http_fault { HTTP_FAULT_SYNTAX, HTTP_FAULT_HEAD_SIZE, HTTP_FAULT_FIELDS, HTTP_FAULT_NOMEM };

enum http_event {
	HTTP_WANTS_MORE, /* all input used; the request goes on */
	HTTP_HAS_HEAD,   /* facts below are valid, and stay so until the next request */
	HTTP_HAS_ALL,    /* the body is complete */
	HTTP_FAILED
};

/* Most headers a request may have. Browsers send about 20, proxies add a few. */
#define HTTP_FIELDS_MAX 200

typedef void http_body_fn(void *arg, const char *p, size_t n);
/* Told by the target as it stands in the request line. */
typedef bool http_wants_fn(struct str target);

struct http {
	llhttp_t parser;
	struct buf text; /* target and values, one after the other */
	struct buf rest_text;
	http_wants_fn *wants_rest; /* NULL: never; set after http_init() */
	size_t max_head_bytes;
	size_t head_bytes;
	unsigned field_count;
	char name[32]; /* of the header being read; longer ones are none of ours */
	size_t name_n;
	int field; /* being read, FIELD_COUNT for one we drop */
	size_t value_at;
	size_t line_at; /* of the header being read, in rest_text */
	size_t rest_value_at;
	bool in_value, head_done, paused, begun, keeps_rest;
	http_body_fn *body;
	void *arg;
	struct {
		size_t at, n;
		unsigned times;
	} spans[FIELD_COUNT];
	size_t target_n;

	/* Facts, from HTTP_HAS_HEAD on. */
	struct str target; /* bytes may be rewritten by target_parse() */
	struct str values[FIELD_COUNT];
	struct str rest; /* "Name: value\n" for each of the others, if they were wanted */
	unsigned method; /* HTTP_GET, ... of llhttp */
	bool is_http10;
	bool keep_alive;
	bool has_body;   /* a length above zero, or chunks */
	bool has_length; /* length is what the client declared */
	bool upgrade;
	uint64_t length;

	enum http_fault fault;
	const char *fault_text; /* one line, a literal */
};

/* body gets the bytes of each body, as views into what http_feed() was given. */
void http_init(struct http *h, size_t max_head_bytes, http_body_fn *body, void *arg);
void http_fini(struct http *h);

/* Reads p[0..n) up to the next event; *used says how far. After HTTP_HAS_HEAD and
 * HTTP_HAS_ALL the next call goes on, also with n == 0. */
enum http_event http_feed(struct http *h, const char *p, size_t n, size_t *used);

/* Gives back what an unusually large head took; the facts are gone then. For
 * connections that wait for their next request. */
void http_trim(struct http *h);

/* A stop was reported that the next http_feed() has to leave. */
static inline bool http_paused(const struct http *h)
{
	return h->paused;
}

/* Some byte of a request was seen, and the request is not complete. */
static inline bool http_begun(const struct http *h)
{
	return h->begun;
}

/* How often the header stood in the request. */
static inline unsigned http_times(const struct http *h, enum http_field f)
{
	return h->spans[f].times;
}

#endif
