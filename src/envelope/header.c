/* Reading header lines: sections 7 and 8.
 *
 * What is malformed is answered with a sentence that never quotes the client.
 */
#include "envelope/header.h"

#include "base/timefmt.h"
#include "envelope/dsn.h"

int header_scan(struct str text, struct header_extent *ret)
{
	size_t depth = 0;
	bool in_string = false;

	*ret = (struct header_extent){0, true};
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (in_string) {
			if (c == '"')
				in_string = false;
			else if (c == '\\')
				i++;
			else if ((unsigned char)c < 0x20)
				return E_SYNTAX; /* would end the line when written */
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (--depth == 0) {
				ret->n = i + 1;
				return E_OK;
			}
		} else if (str_is_blank(c)) {
			ret->is_compact = false;
		}
	}
	return E_NOTFOUND;
}

bool header_is_plain(struct str text)
{
	size_t i = 0;

	/* Eight bytes at a time: subtracting leaves the high bit of a byte that is
	 * less, or of one above it, and none where there is none such. */
	for (; text.n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t eight;

		memcpy(&eight, text.p + i, sizeof eight);
		if (((eight | (eight - UINT64_C(0x2121212121212121))) &
			    UINT64_C(0x8080808080808080)) != 0)
			return false;
	}
	for (; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x21 || c >= 0x80)
			return false;
	}
	return true;
}

static bool is_absent(const struct json_doc *d, json_node n)
{
	enum json_type t = json_type_of(d, n);

	return t == JSON_TYPE_MISSING || t == JSON_TYPE_NULL;
}

/* The text of a string; *rc becomes E_NOMEM when its escapes could not be
 * resolved, which must not pass for a bad or missing value. */
static struct str text_of(struct json_doc *d, json_node n, int *rc)
{
	struct str text = json_text(d, n);

	if (text.p == NULL && json_type_of(d, n) == JSON_TYPE_STRING)
		*rc = E_NOMEM;
	return text;
}

static int fault(const char **what, int rc, const char *sentence)
{
	*what = sentence;
	return rc;
}

static unsigned name_index(struct str name, const struct str *names, unsigned count)
{
	unsigned k = 0;

	while (k < count && !str_eq(name, names[k]))
		k++;
	return k;
}

/* P-048. member[k] becomes the member with keys[k], if there is one; *total is how
 * many members there are. */
static int collect(struct json_doc *d, const struct str *keys, unsigned count, json_node *member,
	unsigned *total, const char **what)
{
	*total = 0;
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		struct str key = json_key(d, n);
		unsigned k = name_index(key, keys, count);

		++*total;
		if (key.p == NULL)
			return fault(what, E_NOMEM, "no memory");
		if (k == count)
			continue;
		if (member[k] != JSON_NONE)
			return fault(what, E_SYNTAX, "a key stands twice in the header");
		member[k] = n;
	}
	return E_OK;
}

/* --- the envelope's ------------------------------------------------------- */

#define HEADER_KEYS(KEY)                                                                           \
	KEY(EVENT_ID, "event_id")                                                                  \
	KEY(DSN, "dsn")                                                                            \
	KEY(SDK, "sdk")                                                                            \
	KEY(SENT_AT, "sent_at")                                                                    \
	KEY(TRACE, "trace")                                                                        \
	KEY(CLIENT, "client")                                                                      \
	KEY(VERSION, "version")                                                                    \
	KEY(ORIGIN, "origin")                                                                      \
	KEY(REMOTE_ADDR, "remote_addr")                                                            \
	KEY(FORWARDED_FOR, "forwarded_for")                                                        \
	KEY(USER_AGENT, "user_agent")                                                              \
	KEY(CLIENT_HINTS, "client_hints")                                                          \
	KEY(NO_CACHE, "no_cache")                                                                  \
	KEY(RETENTION, "retention")                                                                \
	KEY(DOWNSAMPLED_RETENTION, "downsampled_retention")                                        \
	KEY(REQUIRED_FEATURES, "required_features")

#define ITEM_KEYS(KEY)                                                                             \
	KEY(TYPE, "type")                                                                          \
	KEY(LENGTH, "length")                                                                      \
	KEY(CONTENT_TYPE, "content_type")                                                          \
	KEY(FILENAME, "filename")                                                                  \
	KEY(ATTACHMENT_TYPE, "attachment_type")                                                    \
	KEY(ITEM_COUNT, "item_count")                                                              \
	KEY(PLATFORM, "platform")                                                                  \
	KEY(META_LENGTH, "meta_length")                                                            \
	KEY(SPAN_ID, "span_id")                                                                    \
	KEY(ATTACHMENT_LENGTH, "attachment_length")                                                \
	KEY(SPAN_COUNT, "span_count")                                                              \
	KEY(SENTRY_RELEASE, "sentry_release")                                                      \
	KEY(SENTRY_ENVIRONMENT, "sentry_environment")                                              \
	KEY(METRICS_EXTRACTED, "metrics_extracted")                                                \
	KEY(SPANS_EXTRACTED, "spans_extracted")                                                    \
	KEY(FULLY_NORMALIZED, "fully_normalized")                                                  \
	KEY(SAMPLED, "sampled")                                                                    \
	KEY(ROUTING_HINT, "routing_hint")

#define KEY_NAME(id, name) {(name), sizeof(name) - 1},
static const struct str header_keys[] = {HEADER_KEYS(KEY_NAME)};
static const struct str item_keys[] = {ITEM_KEYS(KEY_NAME)};

#define HEADER_ENUM(id, name) HEADER_##id,
enum { HEADER_KEYS(HEADER_ENUM) HEADER_KEY_COUNT };
#define ITEM_KEY_ENUM(id, name) KEY_##id,
enum { ITEM_KEYS(ITEM_KEY_ENUM) ITEM_KEY_COUNT };

static int read_event_id(struct envelope *e, json_node n, const char **what)
{
	int rc = E_SYNTAX;

	if (is_absent(e->header, n))
		return E_OK;
	e->has_event_id = event_id_parse(text_of(e->header, n, &rc), &e->event_id);
	return e->has_event_id ? E_OK : fault(what, rc, "event_id is not a UUID");
}

static int read_sent_at(struct envelope *e, json_node n, const char **what)
{
	int rc = E_SYNTAX;

	if (is_absent(e->header, n))
		return E_OK;
	e->has_sent_at = rfc3339_parse(text_of(e->header, n, &rc), &e->sent_at_us);
	return e->has_sent_at ? E_OK
			      : fault(what, rc, "sent_at is not an RFC 3339 time with offset");
}

static int read_dsn(struct envelope *e, json_node n, const char **what)
{
	struct dsn dsn;
	int rc = E_SYNTAX;

	if (is_absent(e->header, n))
		return E_OK;
	e->dsn = text_of(e->header, n, &rc);
	return dsn_parse(e->dsn, &dsn, NULL) == E_OK ? E_OK : fault(what, rc, "dsn is not a DSN");
}

int header_read_envelope(struct envelope *e, const char **what)
{
	json_node member[HEADER_KEY_COUNT] = {JSON_NONE};
	unsigned total;
	int rc = collect(e->header, header_keys, HEADER_KEY_COUNT, member, &total, what);

	if (rc == E_OK)
		rc = read_event_id(e, member[HEADER_EVENT_ID], what);
	if (rc == E_OK)
		rc = read_sent_at(e, member[HEADER_SENT_AT], what);
	if (rc == E_OK)
		rc = read_dsn(e, member[HEADER_DSN], what);
	if (rc != E_OK)
		return rc;
	/* A bad trace never rejects an envelope (P-049). */
	e->trace_key = text_of(
		e->header, json_get(e->header, member[HEADER_TRACE], STR("public_key")), &rc);
	return rc == E_OK ? E_OK : fault(what, rc, "no memory");
}

/* --- an item's ------------------------------------------------------------ */

/* Header numbers are claims of a client: what they may add to the figures is
 * bounded, so that no client can make the totals overflow. */
static void read_declared(struct item *it, const struct json_doc *d, json_node n, uint64_t max)
{
	int64_t v;

	if (!json_int(d, n, &v) || v < 0)
		return;
	it->has_declared = true;
	it->declared = (uint64_t)v < max ? (uint64_t)v : max;
}

static bool creates_event(struct str attachment_type)
{
	const struct str kinds[] = {STR("event.minidump"), STR("event.applecrashreport"),
		STR("event.payload"), STR("event.breadcrumbs"), STR("playstation.prosperodump"),
		STR("nswitch.dying_message")};
	unsigned count = sizeof kinds / sizeof kinds[0];

	return name_index(attachment_type, kinds, count) < count;
}

static int read_attachment(struct item *it, struct json_doc *d, const json_node *member)
{
	int rc = E_OK;
	struct str content = text_of(d, member[KEY_CONTENT_TYPE], &rc);
	struct str kind = text_of(d, member[KEY_ATTACHMENT_TYPE], &rc);

	it->is_trace_bound = str_ieq(content, STR("application/vnd.sentry.trace-attachment")) ||
			     str_ieq(content, STR("application/vnd.sentry.attachment.v2"));
	it->is_span_bound =
		it->is_trace_bound && json_type_of(d, member[KEY_SPAN_ID]) != JSON_TYPE_MISSING;
	it->is_reference = str_ieq(content, STR("application/vnd.sentry.attachment-ref"));
	it->creates_event = !it->is_trace_bound && creates_event(kind);
	if (it->is_reference)
		read_declared(it, d, member[KEY_ATTACHMENT_LENGTH], HEADER_BYTES_MAX);
	return rc;
}

struct str container_type(enum item_type type)
{
	switch (type) {
	case ITEM_LOG:
		return STR("application/vnd.sentry.items.log+json");
	case ITEM_TRACE_METRIC:
		return STR("application/vnd.sentry.items.trace-metric+json");
	case ITEM_SPAN:
		return STR("application/vnd.sentry.items.span.v2+json");
	default:
		return STR_EMPTY;
	}
}

static bool is_container(enum item_type type, struct str content)
{
	struct str own = container_type(type);

	return own.n > 0 && str_ieq(content, own);
}

static int read_kind(struct item *it, struct json_doc *d, const json_node *member)
{
	int rc = E_OK;

	switch (it->type) {
	case ITEM_ATTACHMENT:
		return read_attachment(it, d, member);
	case ITEM_TRANSACTION:
		read_declared(it, d, member[KEY_SPAN_COUNT], HEADER_COUNT_MAX);
		break;
	case ITEM_PROFILE:
	case ITEM_PROFILE_CHUNK:
	case ITEM_PROFILE_CHUNK_UI:
		it->platform = item_platform_of(text_of(d, member[KEY_PLATFORM], &rc));
		break;
	default:
		it->is_container =
			is_container(it->type, text_of(d, member[KEY_CONTENT_TYPE], &rc));
		read_declared(it, d, member[KEY_ITEM_COUNT], HEADER_COUNT_MAX);
	}
	return rc;
}

/* Known names are constants; others must outlive the header's document. */
static int read_type(
	struct item *it, struct arena *keep, struct json_doc *d, json_node n, const char **what)
{
	struct str name = json_text(d, n);

	if (json_type_of(d, n) != JSON_TYPE_STRING)
		return fault(what, E_SYNTAX, "the header has no type");
	if (str_eq(name, STR("integration")))
		return fault(what, E_SYNTAX, "type integration is internal to Relay");
	it->type = item_type_parse(name);
	it->type_name =
		it->type != ITEM_UNKNOWN ? str_of(item_type_name(it->type)) : arena_dup(keep, name);
	if (name.p == NULL || it->type_name.p == NULL)
		return fault(what, E_NOMEM, "no memory");
	return E_OK;
}

static int read_length(struct item *it, const struct json_doc *d, json_node n,
	struct header_length *length, const char **what)
{
	struct str raw = json_raw(d, n);

	length->given = !is_absent(d, n);
	length->bytes = 0;
	if (json_type_of(d, n) == JSON_TYPE_MISSING)
		return E_OK;
	it->length_at = (uint32_t)(raw.p - it->header_text.p);
	it->length_n = (uint32_t)raw.n;
	if (length->given && (json_type_of(d, n) != JSON_TYPE_NUMBER ||
				     !str_to_u64(raw, UINT32_MAX, &length->bytes)))
		return fault(what, E_SYNTAX, "length is not an integer from 0 to 4294967295");
	return E_OK;
}

/* Members that every writer of such an item would put there. */
static unsigned count_usual(const struct item *it, const json_node *member)
{
	return (unsigned)(member[KEY_TYPE] != JSON_NONE) +
	       (unsigned)(member[KEY_LENGTH] != JSON_NONE) +
	       (unsigned)(member[KEY_CONTENT_TYPE] != JSON_NONE) +
	       (unsigned)(it->is_container && member[KEY_ITEM_COUNT] != JSON_NONE);
}

int header_read_item(struct item *it, struct arena *keep, struct json_doc *d,
	struct header_length *length, const char **what)
{
	json_node member[ITEM_KEY_COUNT] = {JSON_NONE};
	unsigned total;
	int rc = collect(d, item_keys, ITEM_KEY_COUNT, member, &total, what);

	if (rc == E_OK)
		rc = read_type(it, keep, d, member[KEY_TYPE], what);
	if (rc == E_OK)
		rc = read_length(it, d, member[KEY_LENGTH], length, what);
	if (rc == E_OK && read_kind(it, d, member) != E_OK)
		rc = fault(what, E_NOMEM, "no memory");
	it->has_content_type = member[KEY_CONTENT_TYPE] != JSON_NONE;
	it->has_others = total > count_usual(it, member);
	return rc;
}
