#include "daemon/commands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/inspect.h"
#include "envelope/dsn.h"

#define DEFAULT_ROWS     100
#define MAX_ROWS         10000
#define DEFAULT_DRAIN_S  60
#define MAX_DRAIN_S      604800u /* 7 days */
#define DRAIN_LOOK_MS    50
#define MAX_PURGED_LANES 64

/* What a command is told about its request. */
struct ask {
	struct commands *c;
	const json_t *request;
	struct control_reply *reply;
};

/* A drain answers when the spool is empty or its time is over. */
struct drain {
	TAILQ_ENTRY(drain) link;
	struct control_reply *reply;
	uint64_t deadline_ms; /* of uv_now() */
};

/* One look into the spool. */
struct look {
	struct inspect inspect;
	struct commands *c;
	struct control_reply *reply;
};

/* One purge may be for several lanes; they go one after the other. */
struct purge {
	struct spool_purge spool_purge;
	struct commands *c;
	struct control_reply *reply;
	uint32_t lanes[MAX_PURGED_LANES];
	size_t lane_count; /* left */
	uint64_t purged;
};

struct commands {
	uv_loop_t *loop;
	struct spool *spool;
	const struct commands_ops *ops;
	struct log *log;
	uv_timer_t drain_timer;
	bool is_timer_open;
	bool is_closing;
	atomic_bool cancelled; /* is_closing, for the looks on the pool */
	size_t under_way;      /* looks and purges */
	TAILQ_HEAD(drain_list, drain) drains;
	void (*done)(void *arg);
	void *done_arg;
};

static void commands_maybe_closed(struct commands *c)
{
	if (!c->is_closing || c->is_timer_open || c->under_way > 0)
		return;
	if (c->done != NULL)
		c->done(c->done_arg);
	free(c);
}

/* --- arguments ------------------------------------------------------------- */

/* Missing is fine and leaves *ret. */
static bool get_count(const json_t *request, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_object_get(request, key);

	if (v == NULL || json_is_null(v))
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		(uint64_t)json_integer_value(v) > max)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static bool get_class(const json_t *request, int *ret)
{
	const json_t *v = json_object_get(request, "class");

	*ret = -1;
	if (v == NULL || json_is_null(v))
		return true;
	for (int c = 0; json_is_string(v) && c < CLASS_COUNT; c++) {
		if (strcmp(json_string_value(v), item_class_name((enum item_class)c)) == 0)
			*ret = c;
	}
	return *ret >= 0;
}

static void fail_class(const struct ask *a)
{
	struct err err;

	(void)err_set(&err, E_INVAL, "\"class\" is one of %s, %s, %s, %s, %s",
		item_class_name(CLASS_CHECK_IN), item_class_name(CLASS_ERROR),
		item_class_name(CLASS_TRACE), item_class_name(CLASS_TELEMETRY),
		item_class_name(CLASS_BULK));
	control_fail(a->reply, E_INVAL, err.text);
}

/* --- status, hold, release, reload ----------------------------------------- */

static void run_status(const struct ask *a)
{
	struct buf line;

	buf_init(&line, 0);
	a->c->ops->status(a->c->ops->arg, &line);
	if (buf_ok(&line) && line.n > 0) {
		control_send_text(a->reply, buf_view(&line));
		control_end(a->reply, NULL);
	} else {
		control_fail(a->reply, E_NOMEM, "no memory for the status");
	}
	buf_fini(&line);
}

static void set_held(const struct ask *a, bool hold)
{
	a->c->ops->hold(a->c->ops->arg, hold);
	log_line(a->c->log, LOG_INFO, hold ? "held" : "released", log_cstr("by", "command"));
	control_end(a->reply, json_pack("{s:b}", "held", (int)hold));
}

static void run_hold(const struct ask *a)
{
	set_held(a, true);
}

static void run_release(const struct ask *a)
{
	set_held(a, false);
}

static void run_reload(const struct ask *a)
{
	struct err err = {E_OK, ""};
	int rc = a->c->ops->reload(a->c->ops->arg, &err);

	if (rc == E_OK)
		control_end(a->reply, NULL);
	else
		control_fail(a->reply, rc, err.text);
}

/* --- drain ----------------------------------------------------------------- */

static void drain_answer(struct commands *c, struct drain *d)
{
	struct spool_stats s;
	struct instant now = {(int64_t)uv_now(c->loop), 0};

	spool_stats(c->spool, now, &s);
	TAILQ_REMOVE(&c->drains, d, link);
	control_end(
		d->reply, json_pack("{s:b, s:I, s:I}", "empty", (int)(s.records == 0), "records",
				  (json_int_t)s.records, "bytes", (json_int_t)s.bytes));
	free(d);
}

/* Looked at, not told: a drain is rare, and nothing in the spool's way should
 * know of it. */
static void on_drain_timer(uv_timer_t *t)
{
	struct commands *c = t->data;
	struct spool_stats s;
	struct instant now = {(int64_t)uv_now(c->loop), 0};
	struct drain *d, *next;

	spool_stats(c->spool, now, &s);
	for (d = TAILQ_FIRST(&c->drains); d != NULL; d = next) {
		next = TAILQ_NEXT(d, link);
		if (s.records == 0 || uv_now(c->loop) >= d->deadline_ms)
			drain_answer(c, d);
	}
	if (TAILQ_EMPTY(&c->drains))
		(void)uv_timer_stop(&c->drain_timer);
}

static void run_drain(const struct ask *a)
{
	uint64_t timeout_s = DEFAULT_DRAIN_S;
	struct drain *d;

	if (!get_count(a->request, "timeout_s", MAX_DRAIN_S, &timeout_s)) {
		control_fail(
			a->reply, E_INVAL, "\"timeout_s\" is a number of seconds up to 7 days");
		return;
	}
	if (a->c->ops->is_held(a->c->ops->arg)) {
		control_fail(a->reply, E_INVAL, "sending is on hold (release it first)");
		return;
	}
	d = calloc(1, sizeof *d);
	if (d == NULL) {
		control_fail(a->reply, E_NOMEM, "no memory");
		return;
	}
	d->reply = a->reply;
	d->deadline_ms = uv_now(a->c->loop) + timeout_s * 1000;
	TAILQ_INSERT_TAIL(&a->c->drains, d, link);
	(void)uv_timer_start(&a->c->drain_timer, on_drain_timer, 0, DRAIN_LOOK_MS);
}

/* --- looking into the spool ------------------------------------------------ */

static void look_done(struct inspect *i)
{
	struct look *k = i->arg;
	struct commands *c = k->c;

	if (i->rc != E_OK) {
		control_fail(k->reply, i->rc, i->err.text);
	} else {
		if (i->lines.n > 0)
			control_send_text(k->reply, buf_view(&i->lines));
		control_end(k->reply, json_pack("{s:i}", "count", (int)i->found));
	}
	inspect_fini(i);
	free(k);
	c->under_way--;
	commands_maybe_closed(c);
}

/* what holds the request's own fields; it is copied. */
static void look_start(const struct ask *a, const struct inspect *what)
{
	struct look *k = calloc(1, sizeof *k);

	if (k != NULL) {
		k->inspect = *what;
		k->inspect.spool = a->c->spool;
		k->inspect.cancelled = &a->c->cancelled;
		k->inspect.done = look_done;
		k->inspect.arg = k;
		k->c = a->c;
		k->reply = a->reply;
	}
	if (k == NULL || inspect_start(&k->inspect, a->c->loop) != E_OK) {
		free(k);
		control_fail(a->reply, E_NOMEM, "no memory");
		return;
	}
	a->c->under_way++;
}

static void run_why(const struct ask *a)
{
	const json_t *id = json_object_get(a->request, "event_id");
	struct inspect i = {.what = INSPECT_WHY};

	if (json_is_string(id) && event_id_parse(str_of(json_string_value(id)), &i.event_id))
		look_start(a, &i);
	else
		control_fail(a->reply, E_INVAL, "\"event_id\" is 32 hexadecimal digits");
}

static void look_list(const struct ask *a, enum inspect_what what)
{
	struct inspect i = {.what = what};
	uint64_t max = DEFAULT_ROWS;

	if (!get_count(a->request, "max", MAX_ROWS, &max) || max == 0) {
		control_fail(a->reply, E_INVAL, "\"max\" is a number from 1 to 10000");
		return;
	}
	if (!get_class(a->request, &i.class)) {
		fail_class(a);
		return;
	}
	i.max = (unsigned)max;
	look_start(a, &i);
}

static void look_one(const struct ask *a, enum inspect_what what)
{
	struct inspect i = {.what = what, .class = -1};

	if (get_count(a->request, "seq", INT64_MAX, &i.seq) && i.seq > 0)
		look_start(a, &i);
	else
		control_fail(a->reply, E_INVAL, "\"seq\" is a number from a listing");
}

static void run_spool_ls(const struct ask *a)
{
	look_list(a, INSPECT_SPOOL_LS);
}

static void run_spool_show(const struct ask *a)
{
	look_one(a, INSPECT_SPOOL_SHOW);
}

static void run_dead_ls(const struct ask *a)
{
	look_list(a, INSPECT_DEAD_LS);
}

static void run_dead_show(const struct ask *a)
{
	look_one(a, INSPECT_DEAD_SHOW);
}

/* --- purge ----------------------------------------------------------------- */

static void purge_done(struct spool_purge *p, int rc);

static void purge_next(struct purge *p)
{
	if (p->spool_purge.only_lane)
		p->spool_purge.lane = p->lanes[--p->lane_count];
	p->spool_purge.purged = 0;
	p->spool_purge.done = purge_done;
	spool_purge(p->c->spool, &p->spool_purge);
}

static void purge_done(struct spool_purge *sp, int rc)
{
	struct purge *p = (struct purge *)sp;
	struct commands *c = p->c;

	p->purged += sp->purged;
	if (rc == E_OK && p->lane_count > 0) {
		purge_next(p);
		return;
	}
	log_line(c->log, LOG_WARN, "purged", log_int("records", (int64_t)p->purged),
		log_cstr("rc", err_name(rc)));
	if (rc == E_OK)
		control_end(p->reply, json_pack("{s:I}", "purged", (json_int_t)p->purged));
	else
		control_fail(p->reply, rc, "the spool could not be written");
	free(p);
	c->under_way--;
	commands_maybe_closed(c);
}

/* Lanes of one upstream project. False: more than fit. */
static bool find_lanes(struct purge *p, struct str project)
{
	const struct spool_lane *lane;
	struct dsn dsn;

	for (size_t i = 0; (lane = spool_lane(p->c->spool, i)) != NULL; i++) {
		if (dsn_parse(lane->dsn, &dsn, NULL) != E_OK || !str_eq(dsn.project, project))
			continue;
		if (p->lane_count == MAX_PURGED_LANES)
			return false;
		p->lanes[p->lane_count++] = lane->lane;
	}
	return true;
}

static void purge_start(const struct ask *a, struct purge *p, const json_t *project)
{
	p->c = a->c;
	p->reply = a->reply;
	p->spool_purge.only_lane = project != NULL;
	if (project != NULL && !find_lanes(p, str_of(json_string_value(project)))) {
		control_fail(a->reply, E_TOOBIG, "too many DSNs of that project");
		free(p);
	} else if (project != NULL && p->lane_count == 0) {
		control_fail(a->reply, E_NOTFOUND, "nothing is stored for that project");
		free(p);
	} else {
		a->c->under_way++;
		purge_next(p);
	}
}

static void run_spool_purge(const struct ask *a)
{
	const json_t *project = json_object_get(a->request, "project");
	struct purge *p;
	int class;

	if (!get_class(a->request, &class)) {
		fail_class(a);
		return;
	}
	if (project != NULL && !json_is_string(project)) {
		control_fail(a->reply, E_INVAL, "\"project\" is a project id, as a string");
		return;
	}
	p = calloc(1, sizeof *p);
	if (p == NULL) {
		control_fail(a->reply, E_NOMEM, "no memory");
		return;
	}
	p->spool_purge.class = class;
	purge_start(a, p, project);
}

/* --- the table ------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(const struct ask *a);
} table[] = {
	{"status", run_status},
	{"why", run_why},
	{"hold", run_hold},
	{"release", run_release},
	{"drain", run_drain},
	{"reload", run_reload},
	{"spool_ls", run_spool_ls},
	{"spool_show", run_spool_show},
	{"spool_purge", run_spool_purge},
	{"dead_ls", run_dead_ls},
	{"dead_show", run_dead_show},
};

void commands_handle(void *arg, const json_t *request, struct control_reply *reply)
{
	struct ask a = {arg, request, reply};
	const json_t *cmd = json_object_get(request, "cmd");

	if (a.c->is_closing) {
		control_fail(reply, E_CANCELED, "the daemon is ending");
		return;
	}
	if (!json_is_string(cmd)) {
		control_fail(reply, E_INVAL, "a request names a command in \"cmd\"");
		return;
	}
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strcmp(json_string_value(cmd), table[i].name) == 0) {
			table[i].run(&a);
			return;
		}
	}
	control_fail(reply, E_UNSUPPORTED, "this daemon does not know that command");
}

/* --- opening and closing --------------------------------------------------- */

int commands_new(struct commands **ret, const struct commands_options *o, struct err *err)
{
	struct commands *c = calloc(1, sizeof *c);

	if (c == NULL)
		return err_set(err, E_NOMEM, "no memory for the commands");
	c->loop = o->loop;
	c->spool = o->spool;
	c->ops = o->ops;
	c->log = o->log;
	TAILQ_INIT(&c->drains);
	(void)uv_timer_init(c->loop, &c->drain_timer); /* takes no memory */
	c->drain_timer.data = c;
	c->is_timer_open = true;
	*ret = c;
	return E_OK;
}

static void on_timer_closed(uv_handle_t *h)
{
	struct commands *c = h->data;

	c->is_timer_open = false;
	commands_maybe_closed(c);
}

void commands_close(struct commands *c, void (*done)(void *arg), void *arg)
{
	struct drain *d;

	if (c == NULL) {
		if (done != NULL)
			done(arg);
		return;
	}
	c->is_closing = true;
	atomic_store(&c->cancelled, true);
	c->done = done;
	c->done_arg = arg;
	while ((d = TAILQ_FIRST(&c->drains)) != NULL) {
		TAILQ_REMOVE(&c->drains, d, link);
		control_fail(d->reply, E_CANCELED, "the daemon is ending");
		free(d);
	}
	uv_close((uv_handle_t *)&c->drain_timer, on_timer_closed);
}
