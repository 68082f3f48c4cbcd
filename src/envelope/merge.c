/* Merging: what all kinds have in common.
 *
 *   merger_add    parse the part, compare its header; every kind plans, then all
 *                 take, which cannot fail
 *   merger_write  the first part's header line without event_id, then the items
 */
#include "envelope/merge.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/rng.h"
#include "envelope/canonical.h"
#include "envelope/merge_list.h"
#include "envelope/merge_report.h"
#include "envelope/merge_sessions.h"
#include "envelope/share.h"

struct merger {
	struct merge_limits limits;
	enum stream_kind kind;
	size_t parts;
	struct buf header; /* the first part's, as it came */
	struct buf shared; /* its members that all have to share, canonical */
	struct buf trace;  /* its trace, canonical */
	struct buf now;    /* the same of the part at hand */
	struct buf now_trace;
	bool keeps_trace; /* all have the same so far, and all their entries too */
	struct merge_list list;
	struct merge_sessions sessions;
	struct merge_reports reports;
};

int merger_new(struct merger **ret, const struct merge_limits *l, struct err *err)
{
	struct merger *m = calloc(1, sizeof *m);
	struct siphash_key seed;
	struct rng rng;

	*ret = m;
	if (m == NULL)
		return err_set(err, E_NOMEM, "no memory to merge");
	rng_init(&rng);
	m->limits = *l;
	merge_list_init(&m->list);
	seed = (struct siphash_key){rng_next(&rng), rng_next(&rng)};
	merge_sessions_init(&m->sessions, &seed);
	merge_reports_init(&m->reports, &seed);
	return E_OK;
}

void merger_free(struct merger *m)
{
	if (m == NULL)
		return;
	buf_fini(&m->header);
	buf_fini(&m->shared);
	buf_fini(&m->trace);
	buf_fini(&m->now);
	buf_fini(&m->now_trace);
	merge_list_fini(&m->list);
	merge_sessions_fini(&m->sessions);
	merge_reports_fini(&m->reports);
	free(m);
}

void merger_clear(struct merger *m)
{
	m->parts = 0;
	m->kind = STREAM_NONE;
	buf_clear(&m->header);
	buf_clear(&m->shared);
	buf_clear(&m->trace);
	merge_list_clear(&m->list);
	merge_sessions_clear(&m->sessions);
	merge_reports_clear(&m->reports);
}

/* --- plan ---------------------------------------------------------------------- */

static bool has_trace(const struct envelope *e, json_node *ret)
{
	*ret = json_get(e->header, json_root(e->header), STR("trace"));
	return json_type_of(e->header, *ret) == JSON_TYPE_OBJECT;
}

/* Logs and metrics: the trace stands for all entries, or is left out (11.2). */
static bool part_keeps_trace(struct merger *m, struct part *p)
{
	struct json_doc *d = p->e->header;
	struct event_id id;
	json_node trace;

	buf_clear(&m->now_trace);
	if (!has_trace(p->e, &trace) || !m->list.has_trace ||
		!event_id_parse(json_text(d, json_get(d, trace, STR("trace_id"))), &id) ||
		!event_id_eq(&id, &m->list.trace))
		return false;
	if (canonical_write(d, trace, &m->now_trace) != E_OK)
		return false;
	return p->is_first || str_eq(buf_view(&m->now_trace), buf_view(&m->trace));
}

/* Whether entries are to be asked for it. */
static bool wants_trace(const struct merger *m, const struct part *p)
{
	json_node trace;

	return (m->kind == STREAM_LOG || m->kind == STREAM_TRACE_METRIC) &&
	       (p->is_first || m->keeps_trace) && has_trace(p->e, &trace);
}

static int plan_header(struct merger *m, struct part *p)
{
	int rc;

	if (!p->is_first && str_eq(p->e->header_text, buf_view(&m->header)))
		return E_OK;
	buf_clear(&m->now);
	rc = share_header(p->e, m->kind, &m->now);
	if (rc != E_OK)
		return rc == E_NOMEM ? rc : E_SYNTAX;
	if (!p->is_first)
		return str_eq(buf_view(&m->now), buf_view(&m->shared)) ? E_OK : E_SYNTAX;
	return text_reserve(&m->header, p->e->header_text.n);
}

static int plan(struct merger *m, struct part *p)
{
	int rc = plan_header(m, p);

	if (rc == E_OK && p->main != NULL)
		rc = merge_list_plan(&m->list, p, m->kind, wants_trace(m, p), &m->limits);
	if (rc == E_OK && m->kind == STREAM_SESSION)
		rc = merge_sessions_plan(&m->sessions, p, &m->limits);
	if (rc == E_OK)
		rc = merge_reports_plan(&m->reports, p);
	/* No merger has more room than an empty one. */
	return rc == E_TOOBIG && p->is_first ? E_SYNTAX : rc;
}

/* --- take ---------------------------------------------------------------------- */

static void buf_swap(struct buf *a, struct buf *b)
{
	struct buf c = *a;

	*a = *b;
	*b = c;
}

static void take(struct merger *m, struct part *p)
{
	bool keeps = wants_trace(m, p) && part_keeps_trace(m, p);

	m->keeps_trace = keeps || m->kind == STREAM_SPAN;
	if (p->is_first) {
		buf_str(&m->header, p->e->header_text);
		buf_swap(&m->shared, &m->now);
		buf_swap(&m->trace, &m->now_trace);
	}
	if (p->main != NULL)
		merge_list_take(&m->list, p, m->kind);
	if (m->kind == STREAM_SESSION)
		merge_sessions_take(&m->sessions, p);
	merge_reports_take(&m->reports, p);
	m->parts++;
}

int merger_add(struct merger *m, enum stream_kind kind, struct str header, struct str items,
	struct err *err)
{
	struct part p;
	int rc;

	if (kind == STREAM_NONE || (m->parts > 0 && kind != m->kind))
		return err_set(err, E_SYNTAX, "not of the stream that is merged");
	rc = part_open(&p, kind, header, items);
	if (rc == E_OK) {
		p.is_first = m->parts == 0;
		m->kind = kind;
		rc = plan(m, &p);
	}
	if (rc == E_OK)
		take(m, &p);
	part_close(&p);
	if (rc == E_OK)
		return rc;
	return err_set(err, rc, "a part of kind %s cannot be merged", stream_kind_name(kind));
}

/* --- writing ------------------------------------------------------------------- */

static int write_header(const struct merger *m, struct buf *out, struct err *err)
{
	struct envelope *e = envelope_new();
	int rc = e != NULL ? envelope_parse_stored(e, buf_view(&m->header), STR_EMPTY, err)
			   : err_set(err, E_NOMEM, "no memory to merge");

	if (rc == E_OK)
		rc = envelope_delete_header(e, STR("event_id"));
	if (rc == E_OK)
		rc = envelope_delete_header(e, STR("sent_at"));
	if (rc == E_OK && !m->keeps_trace)
		rc = envelope_delete_header(e, STR("trace"));
	if (rc == E_OK)
		envelope_write_header(e, out);
	envelope_free(e);
	return rc;
}

int merger_write(struct merger *m, struct buf *header, struct buf *items, struct err *err)
{
	int rc;

	check(m->parts > 0);
	rc = write_header(m, header, err);
	if (rc != E_OK)
		return rc;
	if (share_max_entries(m->kind) > 0 || m->kind == STREAM_STATSD ||
		m->kind == STREAM_METRIC_BUCKETS)
		merge_list_write(&m->list, m->kind, items);
	if (m->kind == STREAM_SESSION)
		merge_sessions_write(&m->sessions, items);
	merge_reports_write(&m->reports, items);
	if (!buf_ok(header) || !buf_ok(items))
		return err_set(err, E_NOMEM, "no memory to merge");
	return E_OK;
}
