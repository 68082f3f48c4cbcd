#include "envelope/merge_list.h"

#include "envelope/header.h"
#include "envelope/keymap.h"
#include "envelope/share.h"

#define FRAME_BYTES 16u /* {"items":[]} and a comma */

void merge_list_init(struct merge_list *m)
{
	*m = (struct merge_list){.shared = BUF_INIT,
		.now = BUF_INIT,
		.metadata = BUF_INIT,
		.content = BUF_INIT,
		.entries = BUF_INIT};
}

void merge_list_fini(struct merge_list *m)
{
	buf_fini(&m->shared);
	buf_fini(&m->now);
	buf_fini(&m->metadata);
	buf_fini(&m->content);
	buf_fini(&m->entries);
}

void merge_list_clear(struct merge_list *m)
{
	buf_clear(&m->shared);
	buf_clear(&m->now);
	buf_clear(&m->metadata);
	buf_clear(&m->content);
	buf_clear(&m->entries);
	m->count = 0;
}

/* --- plan ---------------------------------------------------------------------- */

static void put_member(struct buf *out, const char *name, const struct json_doc *d, json_node n)
{
	if (n == JSON_NONE)
		return;
	buf_printf(out, "\"%s\":", name);
	buf_str(out, json_raw(d, n));
	buf_char(out, ',');
}

static int read_container(struct merge_list *m, struct part *p, struct json_doc *d,
	enum stream_kind kind, bool wants_trace)
{
	struct container c;
	int rc = share_container(p->e, kind, d, &c, &m->now);

	if (rc != E_OK)
		return rc;
	m->more = c.entries;
	m->more_count = c.count;
	if (wants_trace)
		m->has_trace = container_trace(d, &c, &m->trace);
	if (p->is_first) {
		put_member(&m->metadata, "version", d, c.version);
		put_member(&m->metadata, "ingest_settings", d, c.settings);
	}
	return E_OK;
}

static int read_buckets(struct merge_list *m, const struct json_doc *d)
{
	struct str list;

	if (json_type_of(d, json_root(d)) != JSON_TYPE_ARRAY)
		return E_SYNTAX;
	list = json_raw(d, json_root(d));
	m->more = str_trim(str_make(list.p + 1, list.n - 2));
	m->more_count = json_count(d, json_root(d));
	return E_OK;
}

/* Line ends behind the last line are no lines. */
static void read_lines(struct merge_list *m, struct str payload)
{
	struct str rest, line;

	while (payload.n > 0 && payload.p[payload.n - 1] == '\n')
		payload.n--;
	m->more = rest = payload;
	m->more_count = 0;
	while (str_cut(&rest, '\n', &line))
		m->more_count += str_trim(line).n > 0;
}

static int read_part(struct merge_list *m, struct part *p, enum stream_kind kind, bool wants_trace)
{
	struct json_doc *d = kind != STREAM_STATSD ? item_payload(p->e, p->main) : NULL;
	int rc;

	m->has_trace = false;
	buf_clear(&m->now);
	if (p->is_first) {
		buf_clear(&m->metadata);
		buf_clear(&m->content);
	}
	rc = share_item_header(p->e, p->main, &m->now);
	if (rc != E_OK)
		return rc;
	if (kind == STREAM_STATSD)
		read_lines(m, p->main->payload);
	else if (d == NULL)
		rc = E_SYNTAX;
	else if (kind == STREAM_METRIC_BUCKETS)
		rc = read_buckets(m, d);
	else
		rc = read_container(m, p, d, kind, wants_trace);
	if (rc == E_OK && !(buf_ok(&m->now) && buf_ok(&m->metadata)))
		rc = E_NOMEM;
	return rc;
}

static bool fits(const struct merge_list *m, const struct part *p, enum stream_kind kind,
	const struct merge_limits *limits)
{
	uint64_t entries = limits->max_items, bytes = limits->max_bytes;
	size_t most = share_max_entries(kind);

	if (p->is_first)
		return true;
	if (most > 0 && most < entries)
		entries = most;
	if (SHARE_MAX_BYTES < bytes)
		bytes = SHARE_MAX_BYTES;
	return m->count + m->more_count <= entries &&
	       m->metadata.n + m->entries.n + m->more.n + FRAME_BYTES <= bytes;
}

static int keep_content(struct merge_list *m, struct part *p)
{
	struct json_doc *d;

	if (p->main->is_container || !p->main->has_content_type)
		return E_OK;
	d = item_header(p->e, p->main);
	if (d == NULL)
		return E_NOMEM;
	buf_str(&m->content, json_raw(d, json_get(d, json_root(d), STR("content_type"))));
	return buf_ok(&m->content) ? E_OK : E_NOMEM;
}

int merge_list_plan(struct merge_list *m, struct part *p, enum stream_kind kind, bool wants_trace,
	const struct merge_limits *limits)
{
	int rc = read_part(m, p, kind, wants_trace);

	if (rc != E_OK)
		return rc == E_NOMEM ? rc : E_SYNTAX;
	if (!p->is_first && !str_eq(buf_view(&m->now), buf_view(&m->shared)))
		return E_SYNTAX;
	if (!fits(m, p, kind, limits))
		return E_TOOBIG;
	if (p->is_first)
		rc = keep_content(m, p);
	return rc == E_OK ? text_reserve(&m->entries, m->more.n + 1) : rc;
}

/* --- take ---------------------------------------------------------------------- */

void merge_list_take(struct merge_list *m, struct part *p, enum stream_kind kind)
{
	if (p->is_first) {
		struct buf empty = m->shared;

		m->shared = m->now;
		m->now = empty;
	}
	if (m->entries.n > 0 && m->more.n > 0)
		buf_char(&m->entries, kind == STREAM_STATSD ? '\n' : ',');
	buf_str(&m->entries, m->more);
	m->count += m->more_count;
}

/* --- writing ------------------------------------------------------------------- */

static void put_header(
	const struct merge_list *m, enum stream_kind kind, size_t length, struct buf *out)
{
	enum item_type type = share_item_type(kind);

	buf_printf(out, "{\"type\":\"%s\"", item_type_name(type));
	if (share_max_entries(kind) > 0)
		buf_printf(out, ",\"item_count\":%zu,\"content_type\":\"%s\"", m->count,
			container_type(type).p);
	if (m->content.n > 0) {
		buf_cstr(out, ",\"content_type\":");
		buf_str(out, buf_view(&m->content));
	}
	buf_printf(out, ",\"length\":%zu}\n", length);
}

void merge_list_write(const struct merge_list *m, enum stream_kind kind, struct buf *out)
{
	const char *before = "", *after = "";
	size_t length = m->metadata.n + m->entries.n;

	if (share_max_entries(kind) > 0) {
		before = "\"items\":[";
		after = "]}";
		length++; /* the opening bracket */
	} else if (kind == STREAM_METRIC_BUCKETS) {
		before = "[";
		after = "]";
	}
	length += strlen(before) + strlen(after);
	put_header(m, kind, length, out);
	if (share_max_entries(kind) > 0)
		buf_char(out, '{');
	buf_str(out, buf_view(&m->metadata));
	buf_cstr(out, before);
	buf_str(out, buf_view(&m->entries));
	buf_cstr(out, after);
	buf_char(out, '\n');
}
