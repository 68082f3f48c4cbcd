#include "flow/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "envelope/codec.h"
#include "envelope/envelope.h"

#define MAX_BODY (64u << 20)

struct pending {
	struct exchange *x;
	struct pending *next;
	int64_t deadline_ms; /* monotonic, virtual */
	bool hangs;          /* asked of a hanging upstream */
	bool canceled;
	bool timed_out;
};

static const char *header_of(const struct exchange *x, const char *name)
{
	size_t n = strlen(name);

	for (const char *const *h = x->headers; h != NULL && *h != NULL; h++) {
		if (strncasecmp(*h, name, n) == 0 && (*h)[n] == ':')
			return *h + n + 1 + strspn(*h + n + 1, " ");
	}
	return "";
}

static void remember(struct upstream *u, const struct exchange *x, struct str name, int status,
	int64_t sent_at_us)
{
	struct got *g;
	const char *project = strstr(x->url, "/api/");

	check(u->got_count < FLOW_MAX_GOT);
	g = &u->got[u->got_count++];
	memset(g, 0, sizeof *g);
	(void)snprintf(g->name, sizeof g->name, "%.*s", STR_ARG(name));
	if (project != NULL)
		(void)snprintf(g->project, sizeof g->project, "%.*s",
			(int)strcspn(project + 5, "/"), project + 5);
	g->status = status;
	g->wall_ms = clock_now(u->clock).wall_ms;
	g->sent_at_us = sent_at_us;
}

/* Every name in the payloads is one thing a client once posted. */
static void body_read(struct upstream *u, const struct exchange *x, int status)
{
	struct str body;
	struct buf out = BUF_INIT;
	struct envelope *e = envelope_new();
	enum encoding encoding = ENCODING_IDENTITY;
	struct err err = {0};
	size_t at = 0;

	check(e != NULL);
	if (encoding_parse(str_of(header_of(x, "Content-Encoding")), &encoding) != E_OK ||
		decode_all(encoding, x->body, MAX_BODY, &out, &err) != E_OK) {
		(void)fprintf(stderr, "flow: upstream cannot decode: %s\n", err.text);
		u->bad = true;
	}
	body = buf_view(&out);
	if (envelope_parse(e, body, NULL, &err) != E_OK) {
		(void)fprintf(stderr, "flow: upstream got no envelope: %s\n", err.text);
		u->bad = true;
	}
	for (size_t i = 0; !u->bad && i < e->item_count; i++)
		u->reports += e->items[i].type == ITEM_CLIENT_REPORT;
	while (!u->bad) {
		static const char mark[] = "\"flow_name\":\"";
		struct str rest;

		at += str_find(str_from(body, at), str_of(mark));
		if (at >= body.n)
			break;
		at += sizeof mark - 1;
		rest = str_from(body, at);
		remember(u, x, str_first(rest, str_find_char(rest, '"')), status, e->sent_at_us);
	}
	envelope_free(e);
	buf_fini(&out);
}

static bool is_down(const struct upstream *u, const struct exchange *x)
{
	return u->mode == UPSTREAM_DOWN &&
	       (u->down_host[0] == '\0' || strstr(x->url, u->down_host) != NULL);
}

static void answer(struct upstream *u, const struct pending *p)
{
	struct exchange *x = p->x;

	x->rc = E_OK;
	x->status = u->status;
	x->rate_limits = u->rate_limits[0] != '\0' ? u->rate_limits : NULL;
	x->retry_after = u->retry_after[0] != '\0' ? u->retry_after : NULL;
	if (p->canceled || p->timed_out) {
		x->rc = p->canceled ? E_CANCELED : E_TIMEOUT;
	} else if (is_down(u, x)) {
		x->rc = E_NET;
		(void)snprintf(x->detail, sizeof x->detail, "connection refused");
	} else if (x->body.n > 0) {
		body_read(u, x, x->status);
	}
	if (x->rc != E_OK) {
		x->status = 0;
		x->rate_limits = x->retry_after = NULL;
	}
	x->done(x);
}

/* Answers what need not wait any longer. */
static void answer_due(struct upstream *u)
{
	struct pending *p = u->pending, *next;

	u->pending = NULL;
	for (; p != NULL; p = next) {
		next = p->next;
		if (p->hangs && !p->canceled && !p->timed_out) {
			p->next = u->pending;
			u->pending = p;
			continue;
		}
		answer(u, p);
		free(p);
	}
}

/* Answers come from the loop, never from inside send(). */
static void on_answer_time(uv_timer_t *t)
{
	struct upstream *u = t->data;

	uv_close((uv_handle_t *)t, (uv_close_cb)free);
	u->answers_due--;
	answer_due(u);
}

static void answer_soon(struct upstream *u)
{
	uv_timer_t *t = malloc(sizeof *t);

	check(t != NULL);
	(void)uv_timer_init(u->loop, t);
	t->data = u;
	u->answers_due++;
	(void)uv_timer_start(t, on_answer_time, 0, 0);
}

static void upstream_send(struct transport *t, struct exchange *x)
{
	struct upstream *u = (struct upstream *)t;
	struct pending *p = calloc(1, sizeof *p), **last = &u->pending;

	check(p != NULL);
	u->requests++;
	if (x->body.n == 0)
		u->probes++;
	u->last_request_ms = clock_now(u->clock).mono_ms;
	p->x = x;
	p->hangs = u->mode == UPSTREAM_HANGS;
	p->deadline_ms = u->last_request_ms + x->timeout_ms;
	while (*last != NULL)
		last = &(*last)->next;
	*last = p;
	if (!p->hangs)
		answer_soon(u);
}

static void upstream_cancel(struct transport *t, struct exchange *x)
{
	struct upstream *u = (struct upstream *)t;

	for (struct pending *p = u->pending; p != NULL; p = p->next) {
		if (p->x == x)
			p->canceled = true;
	}
	answer_soon(u);
}

static void upstream_close(struct transport *t, void (*closed)(void *arg), void *arg)
{
	(void)t;
	closed(arg);
}

void upstream_init(struct upstream *u, uv_loop_t *loop, const struct clock *clock)
{
	static const struct transport_ops ops = {upstream_send, upstream_cancel, upstream_close};

	memset(u, 0, sizeof *u);
	u->transport.ops = &ops;
	u->loop = loop;
	u->clock = clock;
	u->mode = UPSTREAM_ANSWERS;
	u->status = 200;
	u->got = calloc(FLOW_MAX_GOT, sizeof *u->got);
	check(u->got != NULL);
}

void upstream_fini(struct upstream *u)
{
	free(u->got);
}

void upstream_release(struct upstream *u)
{
	for (struct pending *p = u->pending; p != NULL; p = p->next)
		p->hangs = false;
	answer_due(u);
}

int64_t upstream_next_ms(const struct upstream *u)
{
	int64_t next = INT64_MAX;

	for (const struct pending *p = u->pending; p != NULL; p = p->next) {
		if (p->deadline_ms < next)
			next = p->deadline_ms;
	}
	return next;
}

void upstream_time_passed(struct upstream *u)
{
	int64_t now_ms = clock_now(u->clock).mono_ms;

	for (struct pending *p = u->pending; p != NULL; p = p->next)
		p->timed_out = p->timed_out || p->deadline_ms <= now_ms;
	answer_due(u);
}

size_t upstream_count(const struct upstream *u, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < u->got_count; i++)
		n += strcmp(u->got[i].name, name) == 0;
	return n;
}
