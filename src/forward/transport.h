/* transport.h - one request and its answer, whoever carries it.
 *
 * Sending decides what and when; a transport only carries. There is one over
 * libcurl (curl.h), one that ends in the local view (local.h), and tests
 * script one of their own on a virtual clock.
 *
 * Owns     the caller owns the exchange and keeps it alive until done.
 * Threads  loop thread; done never comes before send() returned.
 */
#ifndef PICKET_FORWARD_TRANSPORT_H
#define PICKET_FORWARD_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct exchange;
typedef void exchange_fn(struct exchange *x);

struct exchange {
	/* request */
	const char *url;
	const char *method;         /* NULL or "": POST with a body, GET without one */
	const char *const *headers; /* "Name: value", NULL-terminated */
	struct str body;            /* empty for a probe */
	int64_t timeout_ms;
	exchange_fn *done;
	void *arg;

	/* answer */
	int rc;              /* E_OK: answered; E_NET, E_TIMEOUT, E_CANCELED: not */
	int status;          /* HTTP status when answered */
	char *rate_limits;   /* joined X-Sentry-Rate-Limits lines, NULL when none; transport's until
				done returns */
	char *retry_after;   /* likewise */
	char detail[96];     /* what went wrong on the network, for people */
	bool is_untrusted;   /* E_NET because the other end's certificate was refused */
	bool is_multiplexed; /* the answer came over HTTP/2: many requests share a connection */
	void *priv;          /* the transport's */
};

struct transport {
	const struct transport_ops *ops;
};

struct transport_ops {
	void (*send)(struct transport *t, struct exchange *x);
	/* done comes soon, with E_CANCELED unless the answer was already there. */
	void (*cancel)(struct transport *t, struct exchange *x);
	/* After the last exchange is done. */
	void (*close)(struct transport *t, void (*closed)(void *arg), void *arg);
};

#endif
