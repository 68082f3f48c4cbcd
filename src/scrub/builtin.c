/* The rules and patterns that need no configuration (pii.md 4, 4.1). */
#include "scrub/rule.h"

#define IP4_BODY                                                                                   \
	"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})(?:\\.(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})){3}"
#define H "[0-9a-f]{1,4}"
#define IP6_BODY                                                                                   \
	"(?:" H ":){7}" H "|(?:" H ":){1,7}:|(?:" H ":){1,6}::" H "|(?:" H ":){1,5}:(?::" H        \
	"){1,2}|(?:" H ":){1,4}:(?::" H "){1,3}|(?:" H ":){1,3}:(?::" H "){1,4}|(?:" H             \
	":){1,2}:(?::" H "){1,5}|" H ":(?::" H "){1,6}|:(?:(?::" H "){1,7}|:)|fe80:(?::" H         \
	"){0,4}%[0-9a-z]+::(?:ffff(?::0{1,4})?:)?" IP4_BODY "|(?:" H ":){1,4}:" IP4_BODY
#define EDGE "[\\s!-\\/:-@\\[-`{-~]"
#define COUNTRIES                                                                                  \
	"AD|AE|AL|AO|AT|AZ|BA|BE|BF|BG|BH|BI|BJ|BR|BY|CF|CG|CH|CI|CM|CR|CV|CY|CZ|DE|DJ|DK|DO|DZ|"  \
	"EE|EG|ES|FI|FO|FR|GA|GB|GE|GI|GL|GQ|GR|GT|GW|HN|HR|HU|IE|IL|IQ|IR|IS|IT|JO|KM|KW|KZ|LB|"  \
	"LC|LI|LT|LU|LV|LY|MA|MC|MD|ME|MG|MK|ML|MR|MT|MU|MZ|NE|NI|NL|NO|PK|PL|PS|PT|QA|RO|RS|RU|"  \
	"SA|SC|SE|SI|SK|SM|SN|ST|SV|TD|TG|TL|TN|TR|UA|VA|VG|XK"
/* The names of 9.1, in the order in which they are tried. */
#define COOKIE_NAMES                                                                               \
	"sentrysid|sudo|su|session|__session|sessionid|user_session|symfony|phpsessid|"            \
	"fasthttpsessionid|mysession|irissessionid|_vercel_jwt|csrf|xsrf|_xsrf|_csrf|csrf-token|"  \
	"csrf_token|xsrf-token|xsrf_token|fastcsrf|_iris_csrf"

static const char *const pattern_texts[PAT_COUNT] = {
	[PAT_IMEI] = "\\b\\d{2}-?\\d{6}-?\\d{6}-?\\d{1,2}\\b",
	[PAT_MAC] = "\\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\\b",
	[PAT_UUID] = "(?i)\\b[a-z0-9]{8}(?:-?[a-z0-9]{4}){3}-?[a-z0-9]{12}\\b",
	[PAT_EMAIL] = "\\b[A-Za-z0-9.!#$%&'*+\\/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*"
		      "\\.[A-Za-z]{2,}\\b",
	[PAT_IBAN] = "\\b(?:" COUNTRIES ")\\d{2}[A-Za-z0-9]{11,29}\\b",
	[PAT_IP4] = "\\b" IP4_BODY "\\b",
	[PAT_IP6] = "(?i)(?:" EDGE "|^)(" IP6_BODY ")(?:" EDGE "|\\z)",
	[PAT_CREDITCARD] =
		"\\b(?:3[47]\\d|4\\d{3}|5[1-5]\\d{2}|65\\d{2}|6011)(?:[-\\s]?\\d){12}\\b",
	[PAT_USERPATH] = "(?i)(?:\\b(?:[a-z]:[\\\\\\/])?(?:users|home|documents and settings|"
			 "[^\\/\\\\]+[\\/\\\\]profiles)[\\\\\\/]|\\/(?:home|users)\\/)([^\\/"
			 "\\\\\\r\\n\\x00]+)",
	[PAT_PEMKEY] =
		"(?s)-----BEGIN[A-Z ]+(?:PRIVATE|PUBLIC) KEY-----[\\t ]*\\r?\\n?(.+?)\\r?\\n?"
		"-----END[A-Z ]+(?:PRIVATE|PUBLIC) KEY-----",
	[PAT_URLAUTH] = "\\b(?:[a-z0-9+-]+:)?\\/\\/([A-Za-z0-9%_.-]+(?::[A-Za-z0-9%_.-]+)?)@",
	[PAT_URLAUTH_LEGACY] = "\\b((?:[a-z0-9]+:)?\\/\\/[A-Za-z0-9%_.-]+:)([A-Za-z0-9%_.-]+)@",
	[PAT_USSSN] = "\\b[0-9]{3}-[0-9]{2}-[0-9]{4}\\b",
	[PAT_BEARER] = "(?i)\\bBearer\\s+[^\\s]+",
	[PAT_TOKENKEY] = "(?i)token",
	[PAT_PASSWORD] =
		"(?i)(?:password|secret|passwd|api[-_]key|apikey|auth|credentials|mysql_pwd|"
		"privatekey|private[-_]key|token[^\\s]*[:=]|^otp\\z|^two[-_]factor\\z)",
	[PAT_COOKIES] = "(?:" COOKIE_NAMES ")=([^,]+)",
	[PAT_ANYTHING] = ".*",
};

int pattern_set_init(struct pattern_set *s, struct err *err)
{
	*s = (struct pattern_set){{NULL}};
	for (size_t i = 0; i < PAT_COUNT; i++) {
		int rc = pattern_new(&s->of[i], str_of(pattern_texts[i]), PATTERN_NATIVE, err);

		if (rc != E_OK) {
			pattern_set_fini(s);
			return rc;
		}
	}
	return E_OK;
}

void pattern_set_fini(struct pattern_set *s)
{
	for (size_t i = 0; i < PAT_COUNT; i++)
		pattern_free(s->of[i]);
	*s = (struct pattern_set){{NULL}};
}

static const struct {
	const char *name;
	enum rule_type type;
} type_names[] = {
	{"anything", RULE_ANYTHING},
	{"pattern", RULE_PATTERN},
	{"redact_pair", RULE_REDACT_PAIR},
	{"redactPair", RULE_REDACT_PAIR},
	{"imei", RULE_IMEI},
	{"mac", RULE_MAC},
	{"uuid", RULE_UUID},
	{"email", RULE_EMAIL},
	{"ip", RULE_IP},
	{"creditcard", RULE_CREDITCARD},
	{"iban", RULE_IBAN},
	{"userpath", RULE_USERPATH},
	{"pemkey", RULE_PEMKEY},
	{"url_auth", RULE_URLAUTH},
	{"us_ssn", RULE_USSSN},
	{"bearer", RULE_BEARER},
	{"password", RULE_PASSWORD},
	{"cookies", RULE_COOKIES},
	{"multiple", RULE_MULTIPLE},
	{"alias", RULE_ALIAS},
};

bool rule_type_parse(struct str name, enum rule_type *ret)
{
	for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
		if (str_eq(name, str_of(type_names[i].name))) {
			*ret = type_names[i].type;
			return true;
		}
	}
	return false;
}

static const struct {
	const char *name;
	enum method method;
} method_names[] = {
	{"default", METHOD_DEFAULT},
	{"remove", METHOD_REMOVE},
	{"replace", METHOD_REPLACE},
	{"mask", METHOD_MASK},
	{"hash", METHOD_HASH},
};

bool method_parse(struct str name, enum method *ret)
{
	for (size_t i = 0; i < sizeof method_names / sizeof method_names[0]; i++) {
		if (str_eq(name, str_of(method_names[i].name))) {
			*ret = method_names[i].method;
			return true;
		}
	}
	return false;
}

/* STR() for places that must be constant. */
#define S(lit)                                                                                     \
	{                                                                                          \
		(lit), sizeof(lit) - 1                                                             \
	}

static const struct {
	struct str name;
	struct str plain; /* what the name alone stands for */
	struct str text;
	enum rule_type type;
	bool has_filter;
} families[] = {
	{S("@anything"), S("@anything:replace"), S("[Filtered]"), RULE_ANYTHING, true},
	{S("@ip"), S("@ip:replace"), S("[ip]"), RULE_IP, false},
	{S("@imei"), S("@imei:replace"), S("[imei]"), RULE_IMEI, false},
	{S("@mac"), S("@mac:mask"), S("[mac]"), RULE_MAC, false},
	{S("@uuid"), S("@uuid:mask"), S("[uuid]"), RULE_UUID, false},
	{S("@email"), S("@email:replace"), S("[email]"), RULE_EMAIL, false},
	{S("@iban"), S("@iban:replace"), S("[iban]"), RULE_IBAN, true},
	{S("@creditcard"), S("@creditcard:replace"), S("[creditcard]"), RULE_CREDITCARD, true},
	{S("@pemkey"), S("@pemkey:replace"), S("[pemkey]"), RULE_PEMKEY, true},
	{S("@urlauth"), S("@urlauth:replace"), S("[auth]"), RULE_URLAUTH, false},
	{S("@usssn"), S("@usssn:mask"), S("[us-ssn]"), RULE_USSSN, true},
	{S("@userpath"), S("@userpath:replace"), S("[user]"), RULE_USERPATH, false},
	{S("@password"), S("@password:remove"), S("[password]"), RULE_PASSWORD, true},
	{S("@bearer"), S("@bearer:replace"), S("Bearer [token]"), RULE_BEARER, true},
};

static const struct str common[] = {
	S("@iban"),
	S("@ip"),
	S("@email"),
	S("@creditcard"),
	S("@pemkey"),
	S("@urlauth"),
	S("@userpath"),
	S("@password"),
	S("@usssn"),
	S("@bearer"),
};

static const struct str common_filter[] = {
	S("@creditcard:filter"),
	S("@iban:filter"),
	S("@pemkey:filter"),
	S("@urlauth:legacy"),
	S("@bearer:filter"),
	S("@password:filter"),
	S("@usssn:filter"),
};

static bool family_method(size_t f, struct str word, struct redaction *ret)
{
	if (str_eq(word, STR("filter")) && families[f].has_filter) {
		*ret = (struct redaction){METHOD_REPLACE, STR("[Filtered]")};
		return true;
	}
	if (!method_parse(word, &ret->method) || ret->method == METHOD_DEFAULT)
		return false;
	if (ret->method == METHOD_MASK && families[f].type == RULE_IMEI)
		ret->method = METHOD_HASH; /* what "@imei:mask" does */
	ret->text = families[f].text;
	return true;
}

static bool special(struct str name, struct rule_def *ret)
{
	const struct redaction filtered = {METHOD_REPLACE, STR("[Filtered]")};

	*ret = (struct rule_def){.name = name, .redaction = filtered};
	if (str_eq(name, STR("@urlauth:legacy"))) {
		ret->type = RULE_URLAUTH_LEGACY;
		return true;
	}
	if (str_eq(name, STR("@cookies:filter"))) {
		ret->type = RULE_COOKIES;
		return true;
	}
	ret->type = RULE_MULTIPLE;
	ret->redaction = (struct redaction){METHOD_DEFAULT, STR_EMPTY};
	if (str_eq(name, STR("@common"))) {
		ret->inner = common;
		ret->inner_count = sizeof common / sizeof common[0];
		return true;
	}
	ret->inner = common_filter;
	ret->inner_count = sizeof common_filter / sizeof common_filter[0];
	return str_eq(name, STR("@common:filter"));
}

bool builtin_rule(struct str name, struct rule_def *ret)
{
	size_t colon = str_find_char(name, ':');

	if (special(name, ret))
		return true;
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		if (!str_eq(str_first(name, colon), families[i].name))
			continue;
		*ret = (struct rule_def){.name = name, .type = families[i].type};
		if (colon < name.n)
			return family_method(i, str_from(name, colon + 1), &ret->redaction);
		ret->type = RULE_ALIAS;
		ret->inner = &families[i].plain;
		ret->inner_count = 1;
		ret->hide_inner = true;
		return true;
	}
	return false;
}

static void add_probe(struct rule *r, const struct pattern_set *set, enum pattern_id id,
	enum probe_on on, bool whole, uint64_t groups)
{
	r->probes[r->probe_count++] = (struct probe){set->of[id], id, on, whole, groups};
}

#define GROUP(n) (UINT64_C(1) << (n))

/* Types that look at the value with one pattern. */
static bool simple_probe(enum rule_type t, enum pattern_id *id, uint64_t *groups)
{
	*groups = GROUP(0);
	switch (t) {
	case RULE_ANYTHING:
		*id = PAT_ANYTHING;
		return true;
	case RULE_IMEI:
		*id = PAT_IMEI;
		return true;
	case RULE_MAC:
		*id = PAT_MAC;
		return true;
	case RULE_UUID:
		*id = PAT_UUID;
		return true;
	case RULE_EMAIL:
		*id = PAT_EMAIL;
		return true;
	case RULE_CREDITCARD:
		*id = PAT_CREDITCARD;
		return true;
	case RULE_IBAN:
		*id = PAT_IBAN;
		return true;
	case RULE_USSSN:
		*id = PAT_USSSN;
		return true;
	case RULE_BEARER:
		*id = PAT_BEARER;
		return true;
	default:
		break;
	}
	*groups = GROUP(1);
	switch (t) {
	case RULE_USERPATH:
		*id = PAT_USERPATH;
		return true;
	case RULE_PEMKEY:
		*id = PAT_PEMKEY;
		return true;
	case RULE_URLAUTH:
		*id = PAT_URLAUTH;
		return true;
	default:
		break;
	}
	*groups = GROUP(2);
	*id = PAT_URLAUTH_LEGACY;
	return t == RULE_URLAUTH_LEGACY;
}

void rule_prepare(struct rule *r, const struct rule_def *def, const struct pattern_set *set)
{
	enum pattern_id id;
	uint64_t groups;

	r->type = def->type;
	r->redaction = def->redaction;
	r->probe_count = 0;
	if (simple_probe(def->type, &id, &groups)) {
		add_probe(r, set, id, PROBE_VALUE, false, groups);
	} else if (def->type == RULE_IP) {
		add_probe(r, set, PAT_IP4, PROBE_VALUE, false, GROUP(0));
		add_probe(r, set, PAT_IP6, PROBE_VALUE, false, GROUP(1));
	} else if (def->type == RULE_PASSWORD) {
		add_probe(r, set, PAT_BEARER, PROBE_VALUE, false, GROUP(0));
		add_probe(r, set, PAT_TOKENKEY, PROBE_KEY, true, 0);
		add_probe(r, set, PAT_PASSWORD, PROBE_BOTH, true, 0);
	} else if (def->type == RULE_COOKIES) {
		add_probe(r, set, PAT_COOKIES, PROBE_BOTH, false, GROUP(1));
	} else if (def->custom != NULL) {
		enum probe_on on = def->type == RULE_REDACT_PAIR  ? PROBE_BOTH
				   : def->type == RULE_REDACT_KEY ? PROBE_KEY
								  : PROBE_VALUE;

		r->probes[r->probe_count++] = (struct probe){
			def->custom, def->custom_id, on, on != PROBE_VALUE, def->groups};
	}
}
