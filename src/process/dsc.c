#include "process/dsc.h"

#include "base/number.h"

static bool number_of(struct json_doc *d, json_node n, double *ret)
{
	switch (json_type_of(d, n)) {
	case JSON_TYPE_STRING:
		return number_parse(str_trim(json_text(d, n)), ret);
	case JSON_TYPE_NUMBER:
		return json_double(d, n, ret);
	default:
		return false;
	}
}

static enum dsc_sampled sampled_of(struct json_doc *d, json_node n)
{
	struct str s = json_text(d, n);

	if (json_type_of(d, n) == JSON_TYPE_BOOL)
		return json_bool(d, n, false) ? DSC_SAMPLED_YES : DSC_SAMPLED_NO;
	if (str_ieq(s, STR("true")))
		return DSC_SAMPLED_YES;
	return str_ieq(s, STR("false")) ? DSC_SAMPLED_NO : DSC_SAMPLED_UNKNOWN;
}

static bool is_given(const struct json_doc *d, json_node n)
{
	enum json_type t = json_type_of(d, n);

	return t != JSON_TYPE_MISSING && t != JSON_TYPE_NULL;
}

static void read_rate(struct json_doc *d, json_node n, struct dsc *ret)
{
	double v;

	ret->rate = 1.0;
	if (!number_of(d, n, &v)) {
		ret->rate_is_no_number = is_given(d, n);
		return;
	}
	ret->has_rate = v > 0 && v <= 1;
	if (ret->has_rate)
		ret->rate = v;
}

void dsc_read(const struct envelope *e, struct dsc *ret)
{
	struct json_doc *d = e->header;
	json_node trace = JSON_NONE;

	if (d != NULL)
		trace = json_get(d, json_root(d), STR("trace"));
	*ret = (struct dsc){.node = JSON_NONE, .rate = 1.0};
	if (d == NULL || json_type_of(d, trace) != JSON_TYPE_OBJECT)
		return;
	ret->node = trace;
	ret->has_trace_id =
		event_id_parse(json_text(d, json_get(d, trace, STR("trace_id"))), &ret->trace_id);
	read_rate(d, json_get(d, trace, STR("sample_rate")), ret);
	ret->has_rand = number_of(d, json_get(d, trace, STR("sample_rand")), &ret->rand) &&
			ret->rand >= 0 && ret->rand < 1;
	ret->sampled = sampled_of(d, json_get(d, trace, STR("sampled")));
}

struct str dsc_text(const struct envelope *e, const struct dsc *d, struct str key)
{
	return json_text(e->header, json_get(e->header, d->node, key));
}

static struct str rate_text(struct arena *a, double rate)
{
	char text[NUMBER_BYTES];

	number_format(rate, text);
	return arena_dup(a, str_of(text));
}

int dsc_set_rate(struct envelope *e, const struct dsc *d, double rate)
{
	struct str text = rate_text(e->arena, rate);

	if (text.p == NULL)
		return E_NOMEM;
	return json_set_string(e->header, d->node, STR("sample_rate"), text);
}

int dsc_create(
	struct envelope *e, const struct event_id *trace_id, struct str public_key, double rate)
{
	char hex[EVENT_ID_HEX_BYTES], number[NUMBER_BYTES];
	struct str text;
	int rc;

	event_id_hex(trace_id, hex);
	number_format(rate, number);
	text = arena_printf(e->arena,
		"{\"trace_id\":\"%s\",\"public_key\":\"%.*s\",\"sample_rate\":\"%s\","
		"\"sampled\":\"true\"}",
		hex, STR_ARG(public_key), number);
	if (text.p == NULL || e->header == NULL)
		return E_NOMEM;
	rc = json_set_raw(e->header, json_root(e->header), STR("trace"), text);
	if (rc == E_OK)
		e->trace_key = public_key; /* follows the route as a client's would */
	return rc;
}
