/* OpenTelemetry's requests (20.6): counted, and otherwise left alone.
 *
 * Spans and log records are three messages deep, in Protocol Buffers and in
 * JSON alike: request, resource, scope, record. Only the lengths on the way
 * there are read.
 */
#include "endpoint/otlp.h"
#include "endpoint/fields.h"
#include "endpoint/make.h"

/* --- Protocol Buffers --------------------------------------------------------- */

enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };

static bool take_varint(struct str *in, uint64_t *ret)
{
	unsigned shift = 0;

	*ret = 0;
	for (size_t i = 0; i < in->n && i < 10; i++, shift += 7) {
		uint64_t byte = (unsigned char)in->p[i];

		*ret |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			*in = str_from(*in, i + 1);
			return true;
		}
	}
	return false;
}

static bool take_bytes(struct str *in, uint64_t n, struct str *ret)
{
	if (n > in->n)
		return false;
	*ret = str_first(*in, (size_t)n);
	*in = str_from(*in, (size_t)n);
	return true;
}

/* One field off the front. False: malformed. */
static bool take_field(struct str *in, uint64_t *number, struct str *value)
{
	uint64_t tag, n;

	*value = STR_EMPTY;
	if (!take_varint(in, &tag) || tag >> 3 == 0)
		return false;
	*number = (tag & 7) == WIRE_BYTES ? tag >> 3 : 0; /* others are not looked for */
	switch (tag & 7) {
	case WIRE_VARINT:
		return take_varint(in, &n);
	case WIRE_FIXED64:
		return take_bytes(in, 8, value);
	case WIRE_BYTES:
		return take_varint(in, &n) && take_bytes(in, n, value);
	case WIRE_FIXED32:
		return take_bytes(in, 4, value);
	default:
		return false; /* groups were given up before OpenTelemetry began */
	}
}

/* Field of the next level: resource_*, then scope_*, then the records. */
static const uint64_t fields[] = {1, 2, 2};
#define LEVELS (sizeof fields / sizeof fields[0])

bool otlp_count_protobuf(struct str body, uint64_t *count)
{
	struct str rest[LEVELS] = {body};
	size_t level = 0;

	*count = 0;
	for (;;) {
		struct str value;
		uint64_t number;

		while (rest[level].n == 0) {
			if (level == 0)
				return true;
			level--;
		}
		if (!take_field(&rest[level], &number, &value))
			return false;
		if (number != fields[level])
			continue;
		if (level == LEVELS - 1)
			++*count;
		else
			rest[++level] = value;
	}
}

/* --- JSON --------------------------------------------------------------------- */

struct names {
	const char *camel[LEVELS], *snake[LEVELS]; /* both spellings are legal JSON */
};

static const struct names trace_names = {
	{"resourceSpans", "scopeSpans", "spans"}, {"resource_spans", "scope_spans", "spans"}};
static const struct names log_names = {{"resourceLogs", "scopeLogs", "logRecords"},
	{"resource_logs", "scope_logs", "log_records"}};

static json_node array_of(
	struct json_doc *d, json_node object, const struct names *names, size_t level)
{
	json_node n = json_get(d, object, str_of(names->camel[level]));

	return n != JSON_NONE ? n : json_get(d, object, str_of(names->snake[level]));
}

static uint64_t count_records(struct json_doc *d, const struct names *names)
{
	json_node resources = array_of(d, json_root(d), names, 0);
	uint64_t count = 0;

	for (json_node r = json_first(d, resources); r != JSON_NONE; r = json_next(d, r)) {
		json_node scopes = array_of(d, r, names, 1);

		for (json_node s = json_first(d, scopes); s != JSON_NONE; s = json_next(d, s))
			count += json_count(d, array_of(d, s, names, 2));
	}
	return count;
}

/* More than a request of the default limit has; beyond it the index would take
 * more memory than the request is worth. */
#define NODES_MAX (UINT32_C(1) << 22)

int otlp_count_json(struct str body, bool is_traces, uint64_t *count)
{
	static const struct json_limits limits = {.max_nodes = NODES_MAX};
	struct arena *a = arena_new(body.n / 2 + 1024, 0);
	struct json_doc *d;
	int rc = a != NULL ? json_parse(&d, a, body, &limits, NULL) : E_NOMEM;

	if (rc == E_OK && json_type_of(d, json_root(d)) != JSON_TYPE_OBJECT)
		rc = E_SYNTAX;
	if (rc == E_OK)
		*count = count_records(d, is_traces ? &trace_names : &log_names);
	arena_free(a);
	return rc;
}

/* --- the endpoints -------------------------------------------------------------- */

int take_otlp(struct endpoint_work *w)
{
	static const char *const types[] = {"application/x-protobuf", "application/json", NULL};
	bool is_traces = w->request->path.endpoint == ENDPOINT_OTLP_TRACES;
	struct str path = w->request->path.rest;
	uint64_t count = 0;
	int rc = make_check_media(w, types);

	if (rc != E_OK)
		return rc;
	if (media_is(w->request->content_type, STR("application/json")))
		rc = otlp_count_json(w->body, is_traces, &count);
	else if (!otlp_count_protobuf(w->body, &count))
		rc = E_SYNTAX;
	if (rc == E_NOMEM)
		return make_no_memory(w);
	if (rc == E_TOOBIG)
		return err_set(w->err, rc, "the request has too many values, or too deep ones");
	if (rc != E_OK)
		return make_malformed(w, "the body is not an OTLP request");
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	return make_carried(w, is_traces ? ITEM_OTLP_SPANS : ITEM_OTLP_LOGS, count, path, STR(""));
}
