/* The configuration of deep scrubbing. */
#include "scrub/deep.h"

/* Words of keys. A short one counts only as a whole part of the key. */
#define LONG_WORDS                                                                                 \
	"password|passwd|secret|api[-_. ]?key|private[-_. ]?key|credentials|mysql_pwd|"            \
	"access[-_.]?token|auth[-_.]?token|csrf|xsrf|phpsessid"
#define SHORT_WORDS                                                                                \
	"auth|authorization|token|pwd|session|sessionid|cookie|jwt|sid|sso|saml|bearer|symfony"
#define KEYS "(?i)" LONG_WORDS "|(?:^|[-_. ])(?:" SHORT_WORDS ")(?:[-_. ]|$)"
/* name=value and "name": "value" in text: a query, a header, a dump. A name may begin with
 * anything; short words must end it. */
#define NAME "[A-Za-z0-9_.-]*"
#define PAIRS                                                                                      \
	"(?i)(?:(?:" LONG_WORDS ")" NAME                                                           \
	"|(?:token|pwd|jwt|sid|sessionid|signature))[\"']?\\s*[=:]\\s*[\"']?([^\\s\"'&,;)}\\]]+)"
#define HEADER                                                                                     \
	"(?i)authorization[\"']?\\s*[=:]\\s*[\"']?(?:(?:basic|digest|bearer|token)\\s+)?"          \
	"([^\\s\"',;]+)"

#define FILTERED "\"redaction\":{\"method\":\"replace\",\"text\":\"[Filtered]\"}"

static void add_pattern(struct buf *out, const char *name, const char *type, const char *member,
	const char *pattern)
{
	buf_printf(out, "\"%s\":{\"type\":\"%s\",\"%s\":", name, type, member);
	buf_json_str(out, str_of(pattern));
	buf_cstr(out, type[0] == 'p' ? ",\"replaceGroups\":[1]," : ",");
	buf_cstr(out, FILTERED "}");
}

/* Where values belong to the protocol although their keys look sensitive. */
static int add_selector(
	const struct derive_settings *s, const char *types, struct buf *out, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = E_OK;

	buf_cstr(&text, types);
	buf_cstr(&text, " && !(debug_meta.** || $frame.filename || $frame.abs_path || "
			"$http.headers.user-agent || token_count || contexts.trace.session_id || "
			"contexts.replay.session_id || 'session.id')");
	rc = derive_add_excludes(s, &text, err);
	buf_json_str(out, buf_view(&text));
	out->failed |= !buf_ok(&text);
	buf_fini(&text);
	return rc;
}

int deep_config(const struct derive_settings *s, struct buf *out, struct err *err)
{
	bool defaults = s->scrub_data && s->scrub_defaults;
	int rc = E_OK;

	if (!defaults && !s->scrub_ip_addresses)
		return E_OK;
	buf_cstr(out, "{\"rules\":{");
	add_pattern(out, "deep-keys", "redact_key", "keyPattern", KEYS);
	buf_char(out, ',');
	add_pattern(out, "deep-pairs", "pattern", "pattern", PAIRS);
	buf_char(out, ',');
	add_pattern(out, "deep-header", "pattern", "pattern", HEADER);
	buf_cstr(out, "},\"applications\":{");
	if (defaults) {
		rc = add_selector(s, "($string || $number || $array || $object)", out, err);
		buf_cstr(out, ":[\"deep-keys\"],");
	}
	if (rc == E_OK)
		rc = add_selector(s, "$string", out, err);
	if (rc != E_OK)
		return rc;
	buf_printf(out, ":[%s%s%s]}}",
		defaults ? "\"@creditcard:filter\",\"@iban:filter\",\"@pemkey:filter\","
			   "\"@urlauth:legacy\",\"@bearer:filter\",\"@usssn:filter\","
			   "\"deep-pairs\",\"deep-header\""
			 : "",
		defaults && s->scrub_ip_addresses ? "," : "",
		s->scrub_ip_addresses ? "\"@ip:replace\"" : "");
	return buf_ok(out) ? E_OK : err_set(err, E_NOMEM, "no memory");
}
