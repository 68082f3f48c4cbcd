/* Settings to configuration, in the words of the configuration itself: what is
 * derived can be printed, compared and loaded like any other.
 */
#include "scrub/derive.h"

#include "scrub/selector.h"
#include "json/json.h"

static const char *const cookie_names[] = {"sentrysid", "sudo", "su", "session", "__session",
	"sessionid", "user_session", "symfony", "phpsessid", "fasthttpsessionid", "mysession",
	"irissessionid", "_vercel_jwt", "csrf", "xsrf", "_xsrf", "_csrf", "csrf-token",
	"csrf_token", "xsrf-token", "xsrf_token", "fastcsrf", "_iris_csrf"};

/* Text that people and models exchange: replaced in parts, never as a whole (9.3). */
static const char *const replace_only[] = {"gen_ai.input.messages", "gen_ai.prompt",
	"gen_ai.request.messages", "gen_ai.tool.call.arguments", "gen_ai.tool.input",
	"gen_ai.tool.call.result", "gen_ai.tool.output", "gen_ai.output.messages",
	"gen_ai.response.tool_calls", "gen_ai.response.text", "gen_ai.response.object",
	"gen_ai.tool.definitions", "gen_ai.request.available_tools", "gen_ai.tool.name",
	"mcp.prompt.result", "mcp.tool.result.content"};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool has_fields(const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_trim(list[i]).n > 0)
			return true;
	return false;
}

/* The fields, each as itself, joined by "|". */
static void add_fields_pattern(const struct derive_settings *s, struct buf *out)
{
	static const char special[] = "\\.+*?()|[]{}^$#&-~";
	bool first = true;

	for (size_t i = 0; i < s->sensitive_count; i++) {
		struct str f = str_trim(s->sensitive[i]);

		if (f.n == 0)
			continue;
		if (!first)
			buf_char(out, '|');
		first = false;
		for (size_t k = 0; k < f.n; k++) {
			if (f.p[k] != '\0' && strchr(special, f.p[k]) != NULL)
				buf_char(out, '\\');
			buf_char(out, f.p[k]);
		}
	}
}

static void add_rules(const struct derive_settings *s, struct buf *out)
{
	struct buf pattern = BUF_INIT;

	if (!s->scrub_data || !has_fields(s->sensitive, s->sensitive_count))
		return;
	add_fields_pattern(s, &pattern);
	buf_cstr(out,
		"\"rules\":{\"" DERIVE_STRIP_FIELDS "\":{\"type\":\"redact_pair\",\"keyPattern\":");
	buf_json_str(out, buf_view(&pattern));
	buf_cstr(out, ",\"redaction\":{\"method\":\"replace\",\"text\":\"[Filtered]\"}}},");
	out->failed |= !buf_ok(&pattern);
	buf_fini(&pattern);
}

/* A selector in its canonical form; what is none is one literal key. */
static int exclude_selector(struct str field, struct selector **ret, struct err *err)
{
	struct buf quoted = BUF_INIT;
	int rc = selector_parse(ret, field, NULL);

	if (rc != E_SYNTAX && rc != E_TOOBIG)
		return rc;
	buf_char(&quoted, '\'');
	for (size_t i = 0; i < field.n; i++) {
		if (field.p[i] == '\'')
			buf_char(&quoted, '\'');
		buf_char(&quoted, field.p[i]);
	}
	buf_char(&quoted, '\'');
	rc = buf_ok(&quoted) ? selector_parse(ret, buf_view(&quoted), err) : E_NOMEM;
	buf_fini(&quoted);
	return rc;
}

static int add_exclude(struct str field, struct buf *selector, struct err *err)
{
	struct selector *s;
	struct buf text = BUF_INIT;
	int rc = exclude_selector(field, &s, err);

	if (rc != E_OK)
		return rc;
	/* Read once more under a "!", so that it gets the parentheses it needs. */
	buf_cstr(&text, "!(");
	selector_print(s, &text);
	buf_char(&text, ')');
	selector_free(s);
	rc = buf_ok(&text) ? selector_parse(&s, buf_view(&text), err) : E_NOMEM;
	buf_fini(&text);
	if (rc != E_OK)
		return rc;
	buf_cstr(selector, " && ");
	selector_print(s, selector);
	selector_free(s);
	return E_OK;
}

int derive_add_excludes(const struct derive_settings *s, struct buf *selector, struct err *err)
{
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < s->exclude_count; i++)
		if (str_trim(s->exclude[i]).n > 0)
			rc = add_exclude(str_trim(s->exclude[i]), selector, err);
	return rc;
}

static int add_general(const struct derive_settings *s, struct buf *out, struct err *err)
{
	struct buf selector = BUF_INIT;
	bool defaults = s->scrub_data && s->scrub_defaults;
	bool fields = s->scrub_data && has_fields(s->sensitive, s->sensitive_count);
	int rc;

	if (!defaults && !fields && !s->scrub_ip_addresses)
		return E_OK;
	buf_cstr(&selector, "($string || $number || $array || $object) && !(debug_meta.** || "
			    "$frame.filename || "
			    "$frame.abs_path || $logentry.formatted || $error.value || "
			    "$http.headers.user-agent)");
	rc = derive_add_excludes(s, &selector, err);
	buf_json_str(out, buf_view(&selector));
	out->failed |= !buf_ok(&selector);
	buf_fini(&selector);
	buf_printf(out, ":[%s%s%s%s%s],", defaults ? "\"@common:filter\"" : "",
		defaults && s->scrub_ip_addresses ? "," : "",
		s->scrub_ip_addresses ? "\"@ip:replace\"" : "",
		(defaults || s->scrub_ip_addresses) && fields ? "," : "",
		fields ? "\"" DERIVE_STRIP_FIELDS "\"" : "");
	return rc;
}

static void add_known(struct buf *out)
{
	buf_cstr(out, "\"$logentry.formatted || $log.body");
	for (size_t i = 0; i < COUNT(replace_only); i++)
		buf_printf(out, " || $span.data.'%s' || attributes.'%s'.value", replace_only[i],
			replace_only[i]);
	buf_cstr(out, "\":[\"@email:replace\",\"@creditcard:replace\",\"@iban:replace\","
		      "\"@usssn:replace\",\"@bearer:replace\"],\"");
	for (size_t i = 0; i < COUNT(cookie_names); i++)
		buf_printf(out, "%s*.cookies.%s || *.'http.request.header.cookie.%s'",
			i > 0 ? " || " : "", cookie_names[i], cookie_names[i]);
	buf_cstr(out, "\":[\"@anything:filter\"],"
		      "\"*.'http.request.header.cookie'.* || *.'http.request.header.cookie'\":"
		      "[\"@cookies:filter\"],");
}

int derive_config(const struct derive_settings *s, struct buf *out, struct err *err)
{
	size_t before = out->n;
	size_t empty;
	int rc;

	buf_char(out, '{');
	add_rules(s, out);
	buf_cstr(out, "\"applications\":{");
	empty = out->n;
	rc = add_general(s, out, err);
	if (rc != E_OK)
		return rc;
	if (s->scrub_ip_addresses)
		buf_cstr(out, "\"$http.env.REMOTE_ADDR || $user.ip_address || $sdk.client_ip || "
			      "$span.sentry_tags.'user.ip' || attributes.'client.address'\":"
			      "[\"@anything:remove\"],");
	if (s->scrub_data && s->scrub_defaults)
		add_known(out);
	if (!buf_ok(out))
		return err_set(err, E_NOMEM, "no memory");
	if (out->n == empty) {
		out->n = before; /* nothing is asked for */
		return E_OK;
	}
	out->n--; /* the last comma */
	buf_cstr(out, "}}");
	return buf_ok(out) ? E_OK : err_set(err, E_NOMEM, "no memory");
}

static int read_list(struct json_doc *d, json_node n, struct arena *a, const struct str **ret,
	size_t *count, struct err *err)
{
	struct str *list;
	size_t i = 0;

	*count = json_count(d, n);
	list = arena_calloc(a, *count + 1, sizeof *list);
	if (list == NULL)
		return err_set(err, E_NOMEM, "no memory");
	if (json_type_of(d, n) != JSON_TYPE_ARRAY)
		return err_set(err, E_INVAL, "not a list of fields");
	for (json_node e = json_first(d, n); e != JSON_NONE; e = json_next(d, e)) {
		if (json_type_of(d, e) != JSON_TYPE_STRING)
			return err_set(err, E_INVAL, "a field is not a string");
		list[i++] = json_text(d, e);
	}
	*ret = list;
	return E_OK;
}

static int read_member(struct derive_settings *s, struct json_doc *d, json_node n, struct arena *a,
	struct err *err)
{
	struct str key = json_key(d, n);
	bool *flag = str_eq(key, STR("scrubData"))          ? &s->scrub_data
		     : str_eq(key, STR("scrubDefaults"))    ? &s->scrub_defaults
		     : str_eq(key, STR("scrubIpAddresses")) ? &s->scrub_ip_addresses
							    : NULL;

	if (json_type_of(d, n) == JSON_TYPE_NULL)
		return E_OK;
	if (flag != NULL) {
		if (json_type_of(d, n) != JSON_TYPE_BOOL)
			return err_set(err, E_INVAL, "not true or false");
		*flag = json_bool(d, n, false);
		return E_OK;
	}
	if (str_eq(key, STR("sensitiveFields")))
		return read_list(d, n, a, &s->sensitive, &s->sensitive_count, err);
	if (str_eq(key, STR("excludeFields")))
		return read_list(d, n, a, &s->exclude, &s->exclude_count, err);
	return err_set(err, E_UNSUPPORTED, "unknown member");
}

int derive_read(struct derive_settings *ret, struct str json, struct arena *a, struct err *err)
{
	static const struct json_limits limits = {8, 100000, 1u << 20};
	struct json_doc *d;
	int rc;

	*ret = (struct derive_settings){0};
	json = arena_dup(a, json);
	if (json.p == NULL)
		return err_set(err, E_NOMEM, "no memory");
	rc = json_parse(&d, a, json, &limits, err);
	if (rc != E_OK)
		return rc;
	if (json_type_of(d, json_root(d)) != JSON_TYPE_OBJECT)
		return err_set(err, E_INVAL, "not an object");
	for (json_node n = json_first(d, json_root(d)); n != JSON_NONE; n = json_next(d, n)) {
		rc = read_member(ret, d, n, a, err);
		if (rc != E_OK)
			return err_wrap(err, rc, "setting \"%.*s\"", STR_ARG(json_key(d, n)));
	}
	return E_OK;
}
