#include "forward/local.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

/* A loopback without a network: what is sent is looked at and answered when the
 * loop comes round again. */

struct local_view {
	struct transport base;
	const struct clock *clock;
	struct log *log;
	uv_timer_t timer;
	struct exchange *first, *last; /* to be answered; linked through priv */
	struct local_envelope kept[LOCAL_KEPT];
	size_t next, count; /* a ring */
	local_fn *each;
	void *each_arg;
	local_tap_fn *tap;
	void *tap_arg;
	void (*closed)(void *arg);
	void *closed_arg;
};

static struct local_view *view_of(struct transport *t)
{
	return (struct local_view *)t;
}

/* The digits between /api/ and the next slash; *path is what follows that. */
static struct str project_of(const char *url, struct str *path)
{
	struct str s = str_of(url), project = STR_EMPTY;

	s = str_from(s, str_find(s, STR("/api/")) + 5);
	(void)str_cut(&s, '/', &project);
	*path = s;
	return project;
}

static struct str header_of(const struct exchange *x, struct str name)
{
	for (const char *const *h = x->headers; *h != NULL; h++) {
		if (str_istarts(str_of(*h), name))
			return str_trim(str_from(str_of(*h), name.n));
	}
	return STR_EMPTY;
}

static void view_keep(struct local_view *v, const struct exchange *x)
{
	struct local_envelope *e = &v->kept[v->next];
	struct str path, project = project_of(x->url, &path);

	if (str_eq(path, STR("envelope/")))
		local_summarize(x->body, header_of(x, STR("Content-Encoding:")), e);
	else
		local_summarize_request(path, x->body.n, e);
	e->wall_ms = clock_now(v->clock).wall_ms;
	(void)snprintf(e->project, sizeof e->project, "%.*s", STR_ARG(str_first(project, 20)));
	v->next = (v->next + 1) % LOCAL_KEPT;
	if (v->count < LOCAL_KEPT)
		v->count++;
	log_line(v->log, LOG_INFO, "local", log_cstr("id", e->event_id),
		log_cstr("types", e->types), log_cstr("project", e->project),
		log_int("bytes", (int64_t)e->bytes));
	if (v->tap != NULL)
		v->tap(v->tap_arg, header_of(x, STR("Content-Type:")),
			header_of(x, STR("Content-Encoding:")), x->body);
	if (v->each != NULL)
		v->each(v->each_arg, e);
}

static void on_timer(uv_timer_t *timer)
{
	struct local_view *v = timer->data;
	struct exchange *x;

	while ((x = v->first) != NULL) {
		v->first = x->priv;
		x->priv = NULL;
		if (x->rc == E_OK && (x->body.n > 0 || x->method != NULL))
			view_keep(v, x);
		x->status = x->rc == E_OK ? 200 : 0;
		x->done(x); /* may send again */
	}
}

static void local_send(struct transport *t, struct exchange *x)
{
	struct local_view *v = view_of(t);

	x->rc = E_OK;
	x->priv = NULL;
	if (v->first == NULL)
		v->first = x;
	else
		v->last->priv = x;
	v->last = x;
	(void)uv_timer_start(&v->timer, on_timer, 0, 0);
}

/* It stays in line: done comes with the others. */
static void local_cancel(struct transport *t, struct exchange *x)
{
	(void)t;
	x->rc = E_CANCELED;
}

static void handle_closed(uv_handle_t *h)
{
	struct local_view *v = h->data;
	void (*closed)(void *arg) = v->closed;
	void *arg = v->closed_arg;

	free(v);
	closed(arg);
}

static void local_close(struct transport *t, void (*closed)(void *arg), void *arg)
{
	struct local_view *v = view_of(t);

	check(v->first == NULL);
	v->closed = closed;
	v->closed_arg = arg;
	uv_close((uv_handle_t *)&v->timer, handle_closed);
}

static const struct transport_ops local_ops = {local_send, local_cancel, local_close};

int local_transport_new(struct transport **ret, struct local_view **view, uv_loop_t *loop,
	const struct clock *clock, struct log *log, struct err *err)
{
	struct local_view *v = calloc(1, sizeof *v);

	if (v == NULL)
		return err_set(err, E_NOMEM, "no memory for the local view");
	v->base.ops = &local_ops;
	v->clock = clock;
	v->log = log;
	(void)uv_timer_init(loop, &v->timer); /* cannot fail */
	v->timer.data = v;
	*ret = &v->base;
	*view = v;
	return E_OK;
}

void local_view_listen(struct local_view *v, local_fn *each, void *arg)
{
	v->each = each;
	v->each_arg = arg;
}

void local_view_tap(struct local_view *v, local_tap_fn *tap, void *arg)
{
	v->tap = tap;
	v->tap_arg = arg;
}

const struct local_envelope *local_view_get(const struct local_view *v, size_t index)
{
	if (index >= v->count)
		return NULL;
	return &v->kept[(v->next + LOCAL_KEPT - 1 - index) % LOCAL_KEPT];
}
