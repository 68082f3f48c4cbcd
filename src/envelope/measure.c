/* Counting: as much of the payloads is read as the figures need.
 *
 *   containers     entries are counted; a wrong item_count is put right, what
 *                  cannot be read goes (section 10)
 *   transactions   spans, unless the header tells
 *   sessions       the sum of the counters
 *   profile_chunk  a platform that only the payload has is copied (P-073)
 */
#include "envelope/header.h"

struct measuring {
	struct envelope *e;
	struct quantities *invalid;
	int rc; /* E_NOMEM stops it all */
};

/* An index that is small stays with the item, for whoever looks inside next. */
#define KEEP_BYTES ((size_t)32 * 1024)
/* More than the largest container of 9.3 (12 MiB) can have; what has more is
 * not worth the memory. */
#define PAYLOAD_NODES_MAX (UINT32_C(1) << 22)

/* A payload as a document. NULL with rc E_OK: not JSON. */
struct payload {
	struct arena *scratch;
	struct json_doc *doc;
	int rc;
};

static void payload_open(struct payload *p, struct envelope *e, struct item *it)
{
	struct json_limits limits = {.max_nodes = PAYLOAD_NODES_MAX};

	*p = (struct payload){NULL, NULL, E_NOMEM};
	if (it->payload.n <= KEEP_BYTES || it->document != NULL) {
		p->doc = item_payload(e, it);
		p->rc = p->doc != NULL || it->is_opaque ? E_OK : E_NOMEM;
		return;
	}
	p->scratch = arena_new(it->payload.n / 2, 0);
	if (p->scratch != NULL)
		p->rc = json_parse(&p->doc, p->scratch, it->payload, &limits, NULL);
	if (p->rc != E_OK)
		p->doc = NULL;
	if (p->rc != E_NOMEM)
		p->rc = E_OK;
}

static void payload_close(struct payload *p)
{
	arena_free(p->scratch);
}

static bool is_object(const struct payload *p)
{
	return p->doc != NULL && json_type_of(p->doc, json_root(p->doc)) == JSON_TYPE_OBJECT;
}

static json_node member(const struct payload *p, struct str key)
{
	return is_object(p) ? json_get(p->doc, json_root(p->doc), key) : JSON_NONE;
}

static uint64_t clamped(uint64_t n)
{
	return n < HEADER_COUNT_MAX ? n : HEADER_COUNT_MAX;
}

/* What a container that cannot be read claims to hold: no more than fits. */
static uint64_t claimed_entries(const struct item *it)
{
	uint64_t most = it->payload.n / 3; /* {}, */

	if (!it->has_declared || it->declared == 0)
		return 1;
	if (it->declared <= most)
		return it->declared;
	return most > 0 ? most : 1;
}

/* What the content type of an item that is no container makes of it. */
enum pairing { PAIRING_NONE, PAIRING_WRONG, PAIRING_LATER };

static bool names_container(struct str content)
{
	return str_ieq(content, container_type(ITEM_LOG)) ||
	       str_ieq(content, container_type(ITEM_TRACE_METRIC)) ||
	       str_ieq(content, container_type(ITEM_SPAN));
}

/* One of another type is wrong; one that nobody knows yet is for upstream to
 * judge. */
static enum pairing pairing_of(struct envelope *e, struct item *it)
{
	struct json_doc *d = it->has_content_type ? item_header(e, it) : NULL;
	struct str content = STR_EMPTY;

	if (d != NULL)
		content = json_text(d, json_get(d, json_root(d), STR("content_type")));
	if (names_container(content))
		return PAIRING_WRONG;
	return str_istarts(content, STR("application/vnd.sentry.items.")) ? PAIRING_LATER
									  : PAIRING_NONE;
}

/* False when the item is to be taken out. Spans have a form that is no
 * container. */
static bool measure_unpaired(struct measuring *m, struct item *it)
{
	enum pairing pairing = pairing_of(m->e, it);

	if (pairing == PAIRING_LATER || (pairing == PAIRING_NONE && it->type == ITEM_SPAN))
		return true;
	item_quantities(it, m->invalid);
	return false;
}

/* False when the container is to be taken out. */
static bool measure_container(struct measuring *m, struct item *it)
{
	struct payload p;
	json_node items;
	bool keep;

	it->entries = claimed_entries(it);
	if (!it->is_container)
		return measure_unpaired(m, it);
	payload_open(&p, m->e, it);
	items = member(&p, STR("items"));
	keep = p.rc == E_OK && json_type_of(p.doc, items) == JSON_TYPE_ARRAY;
	if (keep)
		it->entries = json_count(p.doc, items);
	payload_close(&p);
	m->rc = p.rc;
	if (!keep && m->rc == E_OK)
		item_quantities(it, m->invalid);
	if (!keep)
		return false;
	if (!it->has_declared || it->declared != it->entries)
		m->rc = item_set_count(m->e, it, it->entries);
	return it->entries > 0; /* of an empty one nothing is lost */
}

static void measure_transaction(struct measuring *m, struct item *it)
{
	struct payload p;

	it->entries = it->declared;
	if (it->has_declared)
		return;
	payload_open(&p, m->e, it);
	if (is_object(&p))
		it->entries = json_count(p.doc, member(&p, STR("spans")));
	m->rc = p.rc;
	payload_close(&p);
}

static uint64_t sum_counters(const struct payload *p, json_node aggregate)
{
	static const char *const counters[] = {
		"exited", "errored", "crashed", "abnormal", "unhandled"};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
		json_node n = json_get(p->doc, aggregate, str_of(counters[i]));
		int64_t v;

		if (json_int(p->doc, n, &v) && v > 0)
			sum = clamped(sum + clamped((uint64_t)v));
	}
	return sum;
}

static void measure_sessions(struct measuring *m, struct item *it)
{
	struct payload p;
	json_node aggregates;

	it->entries = it->has_declared ? it->declared : 1;
	payload_open(&p, m->e, it);
	aggregates = member(&p, STR("aggregates"));
	if (is_object(&p) && json_type_of(p.doc, aggregates) == JSON_TYPE_ARRAY) {
		it->entries = 0;
		for (json_node n = json_first(p.doc, aggregates); n != JSON_NONE;
			n = json_next(p.doc, n))
			it->entries = clamped(it->entries + sum_counters(&p, n));
	}
	m->rc = p.rc;
	payload_close(&p);
}

static void measure_buckets(struct measuring *m, struct item *it)
{
	struct payload p;

	payload_open(&p, m->e, it);
	it->entries = 1;
	if (p.doc != NULL && json_type_of(p.doc, json_root(p.doc)) == JSON_TYPE_ARRAY)
		it->entries = json_count(p.doc, json_root(p.doc));
	m->rc = p.rc;
	payload_close(&p);
}

static void measure_statsd(struct item *it)
{
	struct str rest = it->payload, line;

	it->entries = 0;
	while (str_cut(&rest, '\n', &line)) {
		if (str_trim(line).n > 0)
			it->entries++;
	}
}

static void copy_platform(struct measuring *m, struct item *it)
{
	struct payload p;
	struct str platform;
	struct json_doc *d;

	payload_open(&p, m->e, it);
	m->rc = p.rc;
	if (is_object(&p)) {
		platform = arena_dup(m->e->arena, json_text(p.doc, member(&p, STR("platform"))));
		d = platform.n > 0 ? item_header(m->e, it) : NULL;
		it->platform = item_platform_of(platform);
		if (platform.p == NULL || (platform.n > 0 && d == NULL))
			m->rc = E_NOMEM;
		else if (platform.n > 0)
			m->rc = json_set_string(d, json_root(d), STR("platform"), platform);
	}
	payload_close(&p);
}

/* True when the item is to be taken out. */
static bool measure_item(struct measuring *m, struct item *it)
{
	switch (it->type) {
	case ITEM_LOG:
	case ITEM_TRACE_METRIC:
	case ITEM_SPAN:
		return !measure_container(m, it);
	case ITEM_TRANSACTION:
		measure_transaction(m, it);
		break;
	case ITEM_SESSIONS:
		measure_sessions(m, it);
		break;
	case ITEM_METRIC_BUCKETS:
		measure_buckets(m, it);
		break;
	case ITEM_STATSD:
		measure_statsd(it);
		break;
	case ITEM_PROFILE_CHUNK:
		if (it->platform == PLATFORM_UNKNOWN)
			copy_platform(m, it);
		break;
	default:
		break;
	}
	return false;
}

int envelope_measure(struct envelope *e, struct quantities *invalid, struct err *err)
{
	struct quantities none;
	struct measuring m = {e, invalid != NULL ? invalid : &none, E_OK};
	size_t kept = 0;

	memset(m.invalid, 0, sizeof *m.invalid);
	memset(&e->held, 0, sizeof e->held);
	for (size_t i = 0; i < e->item_count; i++) {
		struct item it = e->items[i];
		bool gone = measure_item(&m, &it);

		if (m.rc != E_OK)
			return err_set(err, m.rc, "item %zu: no memory to count", i + 1);
		if (gone)
			continue;
		item_quantities(&it, &e->held);
		e->items[kept++] = it;
	}
	e->item_count = kept;
	return E_OK;
}
