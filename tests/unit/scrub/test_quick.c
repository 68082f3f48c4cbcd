/* The cheap look at a string loses no match: every pattern, with and without it,
 * on texts that are made of what patterns look for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "scrub/deep.h"
#include "unit/scrub/support.h"

#define ROUNDS 60000

static const char *const pieces[] = {"127.0.0.1", "1.1.1.1", "::", "fe80::1%eth0", "a@b.co", "@",
	".", ":", "/", "\\", "//", "-", "--", "=", " ", "\n", "\t", "4571234567890111", "34", "37",
	"4", "1", "12", "123456", "DE89370400440532013000", "AD12", "Bearer x", "bEaReR",
	"-----BEGIN", " RSA PRIVATE KEY-----", "-----END", "x\n", "users", "home", "profiles",
	"C:", "u:p@", "password", "PASSWD", "secret", "pa\xc5\xbfsword", "to\xe2\x84\xaa\145n",
	"token", "otp", "two-factor", "two_factor", "api-key", "apikey", "auth", "mysql_pwd",
	"private_key", "credentials", "session", "csrf", ",", "\xd9\xa1\xd9\xa2\xd9\xa3",
	"\xef\xbc\x91", "4a:00:04:10:9b:50", "078-05-1120", "ceee0822", "ed8f", "789e73e75cd1",
	"\xc2\xa0", "\xe3\x80\x80", "\xc3\xbc", "z", "1.22.255.0", "1:", "ffff:", "::1",
	"123-45-6789", "authorization", "Authorization: Basic ", "sessionid", "jwt", "sid",
	"signature", "\"", "access_token", "1 2-3", "4000", "00000000", "-"};

static struct str random_text(struct rng *r, char *out, size_t size)
{
	size_t n = 0;
	unsigned parts = 1 + (unsigned)(rng_next(r) % 7);

	for (unsigned i = 0; i < parts; i++) {
		const char *p = pieces[rng_next(r) % (sizeof pieces / sizeof pieces[0])];
		size_t m = strlen(p);

		if (n + m > size)
			break;
		memcpy(out + n, p, m);
		n += m;
	}
	return str_make(out, n);
}

/* A pattern that a look knows something about. */
struct known {
	enum pattern_id id;
	const struct pattern *pattern;
};

static size_t add_known(struct known *list, size_t n, enum pattern_id id, const struct pattern *p)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].id == id)
			return n;
	list[n] = (struct known){id, p};
	return n + 1;
}

/* Those that come with picket, and those of deep scrubbing. */
static size_t all_known(
	const struct pattern_set *set, const struct piiconf *deep, struct known *list)
{
	size_t n = 0;
	size_t count;
	const struct application *apps = piiconf_applications(deep, &count);

	for (unsigned id = 0; id < PAT_COUNT; id++)
		n = add_known(list, n, (enum pattern_id)id, set->of[id]);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < apps[i].rule_count; k++)
			for (size_t j = 0; j < apps[i].rules[k].probe_count; j++)
				n = add_known(list, n, apps[i].rules[k].probes[j].id,
					apps[i].rules[k].probes[j].pattern);
	return n;
}

static void a_look_loses_no_match(void **state)
{
	struct pattern_set set;
	struct derive_settings all = {
		.scrub_data = true, .scrub_defaults = true, .scrub_ip_addresses = true};
	struct buf json = BUF_INIT;
	struct piiconf *deep;
	struct known known[PAT_COUNT + 4];
	size_t n;
	struct matcher *m;
	struct rng r;
	uint64_t passed = 0;
	uint64_t looked = 0;

	(void)state;
	rng_seed(&r, 20);
	assert_int_equal(pattern_set_init(&set, NULL), E_OK);
	assert_int_equal(deep_config(&all, &json, NULL), E_OK);
	assert_int_equal(piiconf_load(&deep, buf_view(&json), &set, true, NULL), E_OK);
	n = all_known(&set, deep, known);
	assert_int_equal(n, PAT_COUNT + 3);
	assert_int_equal(matcher_new(&m, 0), E_OK);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char own[256];
		struct str text = random_text(&r, own, sizeof own);
		struct quick q;

		quick_look(text, &q);
		for (size_t k = 0; k < n; k++) {
			bool may = quick_may_match(&q, known[k].id);

			looked++;
			passed += !may;
			if (!may && pattern_find(m, known[k].pattern, text) != MATCH_NONE)
				fail_msg("pattern %d, text \"%.*s\"", (int)known[k].id,
					STR_ARG(text));
		}
	}
	/* A look that always says maybe would pass, too, but would be good for nothing. */
	assert_true(passed > looked / 3);
	matcher_free(m);
	piiconf_free(deep);
	pattern_set_fini(&set);
	buf_fini(&json);
}

static const struct {
	enum pattern_id id;
	const char *text;
	bool found;
} table[] = {
	{PAT_IP4, "a 127.0.0.1 b", true}, /* 16 */
	{PAT_IP4, "1.2.3.256", false},
	{PAT_IP6, "[::1]", true}, /* 17 */
	{PAT_IP6, "x::1y", false},
	{PAT_CREDITCARD, "4571 2345 6789 0111", true}, /* 18 */
	{PAT_CREDITCARD, "1234567890123456", false},
	{PAT_IBAN, "NO9386011117945!", true}, /* 19 */
	{PAT_IBAN, "XNO9386011117945", false},
	{PAT_URLAUTH, "pg://user:pass@host", true}, /* 20 */
	{PAT_URLAUTH, "https://host/path", false},  /* 21 */
	{PAT_TOKENKEY, "X-Token", true},            /* 23 */
	{PAT_PASSWORD, "token count", false},
	{PAT_PASSWORD, "?token=x", true},
	{PAT_PASSWORD, "otp", true}, /* 24 */
	{PAT_PASSWORD, "not-otp", false},
	{PAT_PASSWORD, "two_factor", true},
	{PAT_PASSWORD, "a-two-factor", false},
	{PAT_PASSWORD, "author", true}, /* 25 */
	{PAT_PASSWORD, "api key", false},
	{PAT_PEMKEY, "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", true}, /* 22 */
	{PAT_BEARER, "Bearer  abc", true},
	{PAT_MAC, "4a:00-04:10:9b:50", true},
	{PAT_USSSN, "078-05-1120", true},
};

static void patterns_find_what_they_are_for(void **state) /* 16 to 25 */
{
	struct pattern_set set;
	struct matcher *m;

	(void)state;
	assert_int_equal(pattern_set_init(&set, NULL), E_OK);
	assert_int_equal(matcher_new(&m, 0), E_OK);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if ((pattern_find(m, set.of[table[i].id], str_of(table[i].text)) == MATCH_FOUND) !=
			table[i].found)
			fail_msg("%s", table[i].text);
	matcher_free(m);
	pattern_set_fini(&set);
}

/* The words that expressions begin with, anywhere in a text and in any case. */
static void every_word_is_seen_wherever_it_stands(void **state)
{
	static const char *const words[] = {"password", "secret", "auth", "credentials",
		"mysql_pwd", "privatekey", "token", "api_key", "access_key", "csrf", "xsrf",
		"phpsessid", "session", "cookie", "saml", "signature", "symfony", "pwd", "jwt",
		"sid", "sso"};
	static const char *const around[][2] = {
		{"", ""}, {"x", "y"}, {"a b ", "=1"}, {"s", ""}, {"pa", " x"}, {"--", "--"}};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (size_t k = 0; k < sizeof around / sizeof around[0]; k++) {
			char text[64];
			struct quick q;
			int n = snprintf(
				text, sizeof text, "%s%s%s", around[k][0], words[i], around[k][1]);

			quick_look(str_make(text, (size_t)n), &q);
			assert_true(quick_may_match(&q, PAT_DEEP_KEYS));
			for (int j = 0; j < n; j++)
				if (text[j] >= 'a' && text[j] <= 'z' && (j + (int)k) % 2 == 0)
					text[j] = (char)(text[j] - 32);
			quick_look(str_make(text, (size_t)n), &q);
			assert_true(quick_may_match(&q, PAT_DEEP_KEYS));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_look_loses_no_match),
		cmocka_unit_test(patterns_find_what_they_are_for),
		cmocka_unit_test(every_word_is_seen_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
