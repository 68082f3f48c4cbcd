#include <stdio.h>

#include "forward/state.h"

/* Seeing inside: hosts and limits, one after the other. */

bool forward_host(const struct forward *f, size_t index, struct forward_host_status *ret)
{
	const struct host *h = f->hosts;
	int64_t now_ms = forward_now(f).mono_ms, next;

	while (h != NULL && index-- > 0)
		h = h->next;
	if (h == NULL)
		return false;
	memset(ret, 0, sizeof *ret);
	ret->host = str_of(h->base_url);
	ret->state = h->circuit.state;
	ret->since_mono_ms = h->circuit.since_mono_ms;
	next = circuit_next(&h->circuit, now_ms);
	ret->next_try_mono_ms = next == INT64_MAX ? 0 : next;
	ret->in_flight = h->in_flight;
	ret->last_status = h->last_status;
	(void)snprintf(ret->last_error, sizeof ret->last_error, "%s", h->last_error);
	ret->gzip_only = h->gzip_only;
	return true;
}

struct limit_search {
	size_t index;
	bool is_found;
	struct ratelimit limit;
};

static void limit_look(void *arg, const struct ratelimit *limit)
{
	struct limit_search *s = arg;

	if (s->is_found)
		return;
	if (s->index > 0) {
		s->index--;
		return;
	}
	s->limit = *limit;
	s->is_found = true;
}

bool forward_limit(const struct forward *f, size_t index, struct forward_limit_status *ret)
{
	struct limit_search s = {.index = index};
	int64_t now_ms = forward_now(f).mono_ms;

	for (const struct lane *l = f->lanes; l != NULL; l = l->next) {
		limits_each(&l->limits, now_ms, limit_look, &s);
		if (!s.is_found)
			continue;
		ret->host = l->host != NULL ? str_of(l->host->base_url) : STR_EMPTY;
		ret->project = l->dsn.project;
		ret->limit = s.limit;
		return true;
	}
	return false;
}
