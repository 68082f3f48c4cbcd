/* Configurations: what is refused and where, and what runs (pii.md 2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scrub/dialect.h"
#include "unit/scrub/support.h"

static struct pattern_set set;

static int load(const char *json, struct piiconf **ret, struct err *err)
{
	*err = (struct err){0};
	return piiconf_load(ret, str_of(json), &set, false, err);
}

static void what_cannot_be_honoured_is_refused_by_name_and_place(void **state) /* 74 */
{
	static const struct {
		const char *json;
		const char *says[3];
	} bad[] = {
		{"{\"rules\":{\"x\":{\"type\":\"what\"}}}", {"rule \"x\"", "line 1", "\"what\""}},
		{"{\"rules\":{\n\"x\":{\"type\":\"ip\",\n \"redaction\":{\"method\":\"zap\"}}}}",
			{"rule \"x\"", "line 3", "\"zap\""}},
		{"{\"rules\":{\"x\":{}}}", {"rule \"x\"", "no rule type", ""}},
		{"{\"rules\":{\"x\":{\"type\":\"ip\",\"flags\":\"i\"}}}",
			{"rule \"x\"", "\"flags\"", ""}},
		{"{\"rules\":{\"x\":{\"type\":\"pattern\"}}}", {"rule \"x\"", "pattern", ""}},
		{"{\"rules\":{\"x\":{\"type\":\"pattern\",\"pattern\":\"(\"}}}",
			{"rule \"x\"", "byte", "line 1"}},
		{"{\"rules\":{\"x\":{\"type\":\"pattern\",\"pattern\":\"(?=a)\"}}}",
			{"rule \"x\"", "group", ""}},
		{"{\"rules\":{\"x\":{\"type\":\"pattern\",\"pattern\":\"(a)\\\\1\"}}}",
			{"rule \"x\"", "escape", ""}},
		{"{\"rules\":{\"x\":{\"type\":\"pattern\",\"pattern\":\"a\",\"replaceGroups\":[99]}"
		 "}}",
			{"rule \"x\"", "group number", "99"}},
		{"{\"rules\":{\"x\":{\"type\":\"redact_pair\",\"pattern\":\"a\"}}}",
			{"rule \"x\"", "\"pattern\"", ""}},
		{"{\"rules\":{\"x\":{\"type\":\"alias\",\"rule\":\"y\"},\"y\":{\"type\":"
		 "\"multiple\","
		 "\"rules\":[\"@ip\",\"x\"]}}}",
			{"leads back", "line 1", ""}},
		{"{\"applications\":{\"$nope\":[\"@ip\"]}}", {"application", "$nope", "line 1"}},
		{"{\"applications\":{\"a\":\"@ip\"}}", {"application", "list", ""}},
		{"{\"applications\":{\"a\":[1]}}", {"application", "1", ""}},
		{"{\"rules\":{\"x\":{\"type\":\"ip\"},\"x\":{\"type\":\"ip\"}}}",
			{"twice", "\"x\"", ""}},
		{"{\"vars\":{\"other\":1}}", {"vars", "\"other\"", ""}},
		{"{\"version\":2}", {"\"version\"", "line 1", ""}},
		{"[]", {"object", "", ""}},
		{"{", {"", "", ""}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct piiconf *c;
		struct err err;

		if (load(bad[i].json, &c, &err) == E_OK)
			fail_msg("%s is taken", bad[i].json);
		assert_null(c);
		for (size_t k = 0; k < 3; k++)
			if (strstr(err.text, bad[i].says[k]) == NULL)
				fail_msg("%s: %s", bad[i].json, err.text);
	}
}

static void what_has_no_effect_is_taken_and_told(void **state) /* 2, 12 */
{
	struct piiconf *c;
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(load("{\"vars\":{\"hashKey\":\"k\"},\"rules\":{\"m\":{\"type\":\"ip\","
			      "\"redaction\":{\"method\":\"mask\",\"maskChar\":\"#\"}}},"
			      "\"applications\":{\"$string\":[\"@gone\",\"m\"]}}",
				 &c, &err),
		E_OK);
	assert_int_equal(piiconf_applications(c, &n)[0].rule_count, 1);
	assert_non_null(strstr(piiconf_warning(c, 0), "hashKey"));
	assert_non_null(strstr(piiconf_warning(c, 1), "maskChar"));
	assert_non_null(strstr(piiconf_warning(c, 2), "@gone"));
	assert_null(piiconf_warning(c, 3));
	piiconf_free(c);
}

static void rules_run_in_byte_order_of_their_leaves(void **state) /* 3, 6 */
{
	struct piiconf *c;
	struct err err;
	size_t n;
	const struct application *a;

	(void)state;
	assert_int_equal(
		load("{\"rules\":{\"b\":{\"type\":\"ip\"},\"Z\":{\"type\":\"mac\"}},"
		     "\"applications\":{\"$string\":[\"b\",\"@common:filter\",\"Z\",\"b\"]}}",
			&c, &err),
		E_OK);
	a = piiconf_applications(c, &n);
	assert_int_equal(n, 1);
	assert_int_equal(a->rule_count, 9);
	for (size_t i = 0; i + 1 < a->rule_count; i++) {
		struct str x = a->rules[i].name;
		struct str y = a->rules[i + 1].name;
		size_t least = x.n < y.n ? x.n : y.n;
		int order = memcmp(x.p, y.p, least);

		assert_true(order < 0 || (order == 0 && x.n < y.n));
		assert_true(str_eq(a->rules[i].name, a->rules[i].origin));
	}
	piiconf_free(c);
}

static void a_hidden_inner_rule_is_reported_and_redacted_as_the_outer(void **state) /* 1, 5, 7 */
{
	struct piiconf *c;
	struct err err;
	size_t n;
	const struct application *a;

	(void)state;
	assert_int_equal(load("{\"rules\":{\"outer\":{\"type\":\"alias\",\"rule\":\"@ip\","
			      "\"hideInner\":true,"
			      "\"redaction\":{\"method\":\"mask\"}},\"@email\":{\"type\":\"email\","
			      "\"redaction\":{\"method\":\"hash\"}}},"
			      "\"applications\":{\"$string\":[\"outer\",\"@email\"]}}",
				 &c, &err),
		E_OK);
	a = piiconf_applications(c, &n);
	assert_int_equal(a->rule_count, 2);
	assert_true(str_eq(a->rules[0].name, STR("@email")));
	assert_int_equal(a->rules[0].redaction.method, METHOD_HASH);
	assert_true(str_eq(a->rules[1].name, STR("@ip:replace")));
	assert_true(str_eq(a->rules[1].origin, STR("outer")));
	assert_int_equal(a->rules[1].redaction.method, METHOD_MASK);
	piiconf_free(c);
}

static void groups_in_groups_end(void **state)
{
	struct buf json = BUF_INIT;
	struct piiconf *c;
	struct err err;

	(void)state;
	buf_cstr(&json, "{\"rules\":{\"r0\":{\"type\":\"ip\"}");
	for (int i = 1; i < 30; i++)
		buf_printf(&json, ",\"r%d\":{\"type\":\"multiple\",\"rules\":[\"r%d\",\"r%d\"]}", i,
			i - 1, i - 1);
	buf_cstr(&json, "},\"applications\":{\"$string\":[\"r29\"]}}");
	assert_int_equal(piiconf_load(&c, buf_view(&json), &set, false, &err), E_TOOBIG);
	buf_fini(&json);
}

static void the_dialect_is_translated_or_refused(void **state)
{
	static const struct {
		const char *from;
		const char *to; /* NULL: refused */
	} cases[] = {
		{"a\\u0041b", "a\\x{0041}b"},
		{"\\u{1F600}", "\\x{1F600}"},
		{"\\v", "\\x0b"},
		{"[[:alpha:]_]", "[A-Za-z_]"},
		{"[]a]", "[]a]"},
		{"[^]a]", "[^]a]"},
		{"(?P<n>a)", "(?P<n>a)"},
		{"(?i-s:a)", "(?i-s:a)"},
		{"\\$\\.", "\\$\\."},
		{"(?<=a)", NULL},
		{"(?!a)", NULL},
		{"(?>a)", NULL},
		{"(?R)", NULL},
		{"(*ACCEPT)", NULL},
		{"\\1", NULL},
		{"\\Qa\\E", NULL},
		{"\\K", NULL},
		{"a++", NULL},
		{"[a&&b]", NULL},
		{"[a[b]]", NULL},
		{"\\u12", NULL},
		{"\\", NULL},
		{"(?#c)", NULL},
		{"\\<", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf out = BUF_INIT;
		int rc = dialect_translate(str_of(cases[i].from), &out, NULL);

		if ((rc == E_OK) != (cases[i].to != NULL) ||
			(rc == E_OK && !str_eq(buf_view(&out), str_of(cases[i].to))))
			fail_msg("%s: %.*s", cases[i].from, STR_ARG(buf_view(&out)));
		buf_fini(&out);
	}
}

static int make_set(void **state)
{
	(void)state;
	return pattern_set_init(&set, NULL);
}

static int free_set(void **state)
{
	(void)state;
	pattern_set_fini(&set);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_honoured_is_refused_by_name_and_place),
		cmocka_unit_test(what_has_no_effect_is_taken_and_told),
		cmocka_unit_test(rules_run_in_byte_order_of_their_leaves),
		cmocka_unit_test(a_hidden_inner_rule_is_reported_and_redacted_as_the_outer),
		cmocka_unit_test(groups_in_groups_end),
		cmocka_unit_test(the_dialect_is_translated_or_refused),
	};

	return cmocka_run_group_tests(tests, make_set, free_set);
}
