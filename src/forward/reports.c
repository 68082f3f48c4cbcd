#include <stdlib.h>

#include "forward/state.h"

/* Client reports that found no envelope to ride on (protocol.md 15.4): alone, at
 * most once per [reports] interval and lane, and once more when closing. */

void report_expect(struct lane *l, int64_t now_mono_ms)
{
	struct forward *f = l->f;

	if (!f->settings->reports.client_reports || l->report_due_mono_ms != 0)
		return;
	l->report_due_mono_ms = now_mono_ms + f->settings->reports.interval;
}

int64_t report_next(const struct lane *l)
{
	if (l->report_due_mono_ms == 0 || l->report_in_flight)
		return INT64_MAX;
	return l->report_due_mono_ms;
}

static void report_order(const struct lane *l, struct build_order *o)
{
	memset(o, 0, sizeof *o);
	o->key = l->dsn.key;
	o->now = forward_now(l->f);
	o->budget = l->f->budget;
	o->settings = l->f->settings;
}

/* NULL: nothing to tell, or no memory; what was taken is returned. */
static struct request *report_build(struct lane *l)
{
	struct forward *f = l->f;
	struct report *taken = calloc(1, sizeof *taken);
	struct build_scratch scratch = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
	struct request *r = request_new(f);
	struct build_order order;

	if (r == NULL || taken == NULL)
		goto out;
	r->lane = l;
	l->outstanding++;
	r->report = calloc(1, sizeof *r->report);
	if (r->report == NULL)
		goto out;
	report_order(l, &order);
	f->ops->report_take(f->ops->arg, l->id, taken);
	if (build_report(&order, taken, r->report, &scratch, &r->built, NULL) == E_OK)
		r->is_report = true;
	if (!report_empty(taken)) {
		f->ops->report_return(f->ops->arg, l->id, taken);
		report_expect(l, order.now.mono_ms);
	}
out:
	build_scratch_fini(&scratch);
	free(taken);
	if (r != NULL && !r->is_report) {
		request_free(r);
		r = NULL;
	}
	return r;
}

bool report_send_alone(struct lane *l, bool at_once)
{
	struct forward *f = l->f;
	int64_t now_ms = forward_now(f).mono_ms;
	struct request *r;

	if (l->report_in_flight || !f->settings->reports.client_reports ||
		(!at_once && (l->report_due_mono_ms == 0 || l->report_due_mono_ms > now_ms)))
		return false;
	if (!f->ops->report_pending(f->ops->arg, l->id)) {
		l->report_due_mono_ms = 0;
		return false;
	}
	/* Under a limit on everything, reports wait (P-089). */
	if (l->limits.all.until_mono_ms > now_ms || l->refused_mono_ms > now_ms) {
		l->report_due_mono_ms = l->limits.all.until_mono_ms > l->refused_mono_ms
						? l->limits.all.until_mono_ms
						: l->refused_mono_ms;
		return false;
	}
	l->report_due_mono_ms = 0;
	r = report_build(l);
	if (r == NULL) {
		report_expect(l, now_ms);
		return false;
	}
	l->report_in_flight = true;
	request_send(r);
	return true;
}
