#include "daemon/relay.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/feed.h"
#include "forward/curl.h"
#include "forward/local.h"
#include "process/route.h"

#define CHECK_IN_MAX_AGE_MS INT64_C(3600000) /* design 12.5 */
#define ZSTD_LEVEL          1

/* --- what forward needs of the spool ---------------------------------------- */

static int on_scan(void *arg, const struct record_want *want, unsigned max, record_fn *each,
	void *each_arg, struct err *err)
{
	struct relay *r = arg;

	return spool_scan(r->spool, want, max, each, each_arg, err);
}

static void on_lend(void *arg, const struct record_ref *ref)
{
	struct relay *r = arg;

	spool_lend(r->spool, ref);
}

static void on_settle(void *arg, const struct settlement *st)
{
	struct relay *r = arg;

	spool_settle(r->spool, st);
}

static void on_report_take(void *arg, uint32_t lane, struct report *report)
{
	struct relay *r = arg;

	spool_report_take(r->spool, lane, report);
}

static void on_report_sent(void *arg, uint32_t lane, const struct report *report)
{
	struct relay *r = arg;

	spool_report_sent(r->spool, lane, report);
}

static void on_report_return(void *arg, uint32_t lane, const struct report *report)
{
	struct relay *r = arg;

	spool_report_return(r->spool, lane, report);
}

static bool on_report_pending(void *arg, uint32_t lane)
{
	struct relay *r = arg;

	return spool_report_pending(r->spool, lane);
}

static void on_state_set(void *arg, struct str key, struct str value)
{
	struct relay *r = arg;

	spool_state_set(r->spool, key, value);
}

/* --- the one timer ---------------------------------------------------------- */

static void on_timer(uv_timer_t *t)
{
	struct relay *r = t->data;

	forward_tick(r->forward);
}

static void on_arm(void *arg, int64_t due_mono_ms)
{
	struct relay *r = arg;
	int64_t wait_ms;

	if (r->arm != NULL) {
		r->arm(r->arm_arg, due_mono_ms);
		return;
	}
	if (due_mono_ms == INT64_MAX) {
		(void)uv_timer_stop(&r->timer);
		return;
	}
	wait_ms = due_mono_ms - clock_now(r->clock).mono_ms;
	uv_update_time(r->loop);
	(void)uv_timer_start(&r->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

/* --- opening ---------------------------------------------------------------- */

static void spool_options_of(
	const struct relay *r, const struct settings *s, struct spool_options *o)
{
	*o = (struct spool_options){
		.dir = s->spool.dir,
		.durability = s->spool.durability == DURABILITY_SYNC   ? SPOOL_SYNC
			      : s->spool.durability == DURABILITY_LAZY ? SPOOL_LAZY
								       : SPOOL_ASYNC,
		.max_bytes = s->spool.max_size,
		.max_age_ms = s->spool.max_age,
		.check_in_max_age_ms = CHECK_IN_MAX_AGE_MS,
		.refuse_when_full = s->spool.when_full == WHEN_FULL_REFUSE,
		.dead_bytes = s->spool.dead_letters,
		.clock = r->clock,
		.log = r->log,
	};
}

/* May come while forward is not there yet: restore() asks for all lanes. */
static void on_lost(void *arg, struct str dsn)
{
	struct relay *r = arg;

	if (r->forward != NULL)
		forward_lost(r->forward, dsn);
}

static int open_spool(struct relay *r, struct err *err)
{
	struct spool_options o;
	int rc;

	spool_options_of(r, r->settings, &o);
	o.counters = &r->counters;
	o.lost = on_lost;
	o.lost_arg = r;
	rc = spool_open(&r->spool, r->loop, &o, err);
	if (rc == E_DENIED || rc == E_READONLY)
		return err_wrap(err, rc,
			"spool.dir: %s cannot be written by user %u (set another, "
			"or give it to that user)",
			o.dir, (unsigned)getuid());
	return rc;
}

static bool has_upstream(const struct settings *s)
{
	return s->upstream.dsn[0] != '\0' || s->upstream.url[0] != '\0' || s->project_count > 0;
}

static int open_transport(struct relay *r, struct transport *given, struct err *err)
{
	r->transport = given;
	if (given != NULL)
		return E_OK;
	r->owns_transport = true;
	if (r->dev && !has_upstream(r->settings))
		return local_transport_new(
			&r->transport, &r->local, r->loop, r->clock, r->log, err);
	return transport_curl_new(&r->transport, r->loop, r->settings, err);
}

static int open_forward(struct relay *r, uint64_t seed, struct err *err)
{
	struct forward_options o = {
		.loop = r->loop,
		.ops = &r->forward_ops,
		.transport = r->transport,
		.clock = r->clock,
		.codecs = r->codecs,
		.budget = &r->budget,
		.settings = r->settings,
		.frame = r->frame,
		.seed = seed,
		.log = r->log,
		.counters = &r->counters,
	};

	r->forward_ops = (struct forward_ops){
		.arg = r,
		.scan = on_scan,
		.lend = on_lend,
		.settle = on_settle,
		.report_take = on_report_take,
		.report_sent = on_report_sent,
		.report_return = on_report_return,
		.report_pending = on_report_pending,
		.state_set = on_state_set,
		.arm = on_arm,
		.idle = relay_trim_soon,
	};
	return forward_new(&r->forward, &o, err);
}

static bool is_own(void *arg, int fd)
{
	struct relay *r = arg;

	return transport_curl_is_own(r->transport, fd);
}

static int open_ingest(struct relay *r, struct err *err)
{
	struct ingest_options o = {
		.loop = r->loop,
		.ops = &r->ingest_ops,
		.settings = r->settings,
		.budget = &r->budget,
		.clock = r->clock,
		.log = r->log,
		.counters = &r->counters,
		.dev = r->dev,
	};

	r->ingest_ops = (struct ingest_ops){
		.arg = r,
		.work = intake_work,
		.envelope = intake_envelope,
		.discard = intake_discard,
		.page = relay_page,
		.is_own = r->owns_transport && r->local == NULL ? is_own : NULL,
	};
	return ingest_new(&r->ingest, &o, err);
}

static void restore_pair(void *arg, struct str key, struct str value)
{
	struct relay *r = arg;

	forward_restore(r->forward, key, value);
}

/* Tells forward what an earlier run left behind. */
static int restore(struct relay *r, struct err *err)
{
	int rc = spool_state_each(r->spool, restore_pair, r, err);

	if (forward_is_held(r->forward))
		log_line(r->log, LOG_WARN, "held", log_cstr("by", "command of an earlier run"),
			log_cstr("remedy", "picket release"));
	for (size_t i = 0; rc == E_OK; i++) {
		const struct spool_lane *lane = spool_lane(r->spool, i);

		if (lane == NULL)
			break;
		if (spool_report_pending(r->spool, lane->lane))
			forward_lost(r->forward, lane->dsn);
		for (int c = 0; c < CLASS_COUNT; c++) {
			struct record_ref ref = {lane->lane, (enum item_class)c, 0};

			if (lane->records[c] > 0)
				forward_stored(r->forward, lane->dsn, &ref, NULL);
		}
	}
	return rc;
}

int relay_open(struct relay **ret, const struct relay_options *o, struct err *err)
{
	struct relay *r = calloc(1, sizeof *r);
	int rc;

	if (r == NULL)
		return err_set(err, E_NOMEM, "no memory");
	r->loop = o->loop;
	r->settings = settings_ref(o->settings);
	r->log = o->log;
	r->dev = o->dev;
	r->clock = o->clock != NULL ? o->clock : clock_system();
	r->arm = o->arm;
	r->arm_arg = o->arm_arg;
	r->started = clock_now(r->clock);
	r->frame = (struct age_frame){clock_boot_id(), r->started};
	budget_init(&r->budget, r->settings->limits.memory);
	(void)uv_timer_init(r->loop, &r->timer); /* cannot fail */
	r->timer.data = r;
	(void)uv_timer_init(r->loop, &r->trim);
	r->trim.data = r;
	rc = codec_pool_new(&r->codecs, ZSTD_LEVEL, err);
	if (rc == E_OK)
		rc = judge_state_new(&r->judging, err);
	if (rc == E_OK)
		rc = open_spool(r, err);
	if (rc == E_OK)
		rc = open_transport(r, o->transport, err);
	if (rc == E_OK)
		rc = open_forward(r, o->seed, err);
	if (rc == E_OK)
		rc = open_ingest(r, err);
	if (rc == E_OK && r->local != NULL)
		feed_open(r);
	if (rc == E_OK)
		rc = restore(r, err);
	*ret = r; /* also on failure: the caller closes what was opened */
	return rc;
}

void relay_configure(struct relay *r, struct settings *settings)
{
	struct spool_options o;

	settings_unref(r->settings);
	r->settings = settings_ref(settings);
	budget_set_limit(&r->budget, settings->limits.memory);
	spool_options_of(r, settings, &o);
	spool_configure(r->spool, &o);
	if (r->owns_transport && r->local == NULL)
		transport_curl_configure(r->transport, settings);
	forward_configure(r->forward, settings);
	ingest_configure(r->ingest, settings);
}

/* --- closing ---------------------------------------------------------------- */

static void timer_closed(uv_handle_t *h)
{
	struct relay *r = h->data;

	r->closed(r->closed_arg);
}

static void spool_closed(void *arg)
{
	struct relay *r = arg;

	r->spool = NULL;
	uv_close((uv_handle_t *)&r->trim, NULL);
	uv_close((uv_handle_t *)&r->timer, timer_closed);
}

static void transport_closed(void *arg)
{
	struct relay *r = arg;

	r->transport = NULL;
	if (r->spool != NULL)
		spool_close(r->spool, spool_closed, r);
	else
		spool_closed(r);
}

/* Settlements of the last answers are queued by now: the spool commits them. */
static void stage_closed(void *arg)
{
	struct relay *r = arg;

	if (--r->closing > 0)
		return;
	if (r->owns_transport && r->transport != NULL)
		r->transport->ops->close(r->transport, transport_closed, r);
	else
		transport_closed(r);
}

void relay_close(struct relay *r, void (*closed)(void *arg), void *arg)
{
	int64_t grace_ms = r->settings->daemon.shutdown_timeout;

	r->stopping = true;
	r->closed = closed;
	r->closed_arg = arg;
	r->closing = 1;
	if (r->ingest != NULL) {
		r->closing++;
		ingest_close(r->ingest, grace_ms, stage_closed, r);
	}
	if (r->forward != NULL) {
		r->closing++;
		forward_close(r->forward, grace_ms, stage_closed, r);
	}
	stage_closed(r);
}

void relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	ingest_free(r->ingest);
	forward_free(r->forward);
	judge_state_free(r->judging);
	codec_pool_free(r->codecs);
	settings_unref(r->settings);
	free(r);
}
