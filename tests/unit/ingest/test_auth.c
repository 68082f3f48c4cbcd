/* Credentials of a request (protocol.md 4.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/auth.h"

#define SAY(s) ((s) != NULL ? (s) : "-")

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(1024, 0);
	return arena != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static int read_all(
	const char *sentry, const char *authorization, const char *query, struct credentials *ret)
{
	const struct auth_input in = {.sentry_auth = str_of(sentry),
		.sentry_auth_times = sentry != NULL,
		.authorization = str_of(authorization),
		.authorization_times = authorization != NULL,
		.query = str_of(query)};
	struct err err = {0};
	int rc = auth_read(&in, arena, ret, &err);

	if (rc != E_OK)
		assert_true(err.text[0] != '\0' && ret->found == false);
	return rc;
}

static void expect(const char *sentry, const char *authorization, const char *query,
	const char *key, const char *protocol)
{
	struct credentials c;
	int rc = read_all(sentry, authorization, query, &c);

	if (rc != E_OK || !c.found || !str_eq(c.key, str_of(key)) ||
		!str_eq(c.protocol, str_of(protocol)))
		fail_msg("%s | %s | %s: rc %d key %.*s protocol %.*s", SAY(sentry),
			SAY(authorization), SAY(query), rc, STR_ARG(c.key), STR_ARG(c.protocol));
}

static void refuse(const char *sentry, const char *authorization, const char *query, int code)
{
	struct credentials c;
	int rc = read_all(sentry, authorization, query, &c);

	if (rc != code)
		fail_msg("%s | %s | %s: rc %d, not %d", SAY(sentry), SAY(authorization), SAY(query),
			rc, code);
}

static void x_sentry_auth_is_read_as_clients_write_it(void **state) /* P-016 */
{
	(void)state;
	expect("Sentry sentry_key=k, sentry_version=7", NULL, NULL, "k", "7");
	expect("sentry sentry_version=6,sentry_key=k", NULL, NULL, "k", "6");
	expect("SENTRY  sentry_key = k ,x=y,,=,sentry_timestamp=1", NULL, NULL, "k", "7");
	expect("Sentry sentry_key=k,sentry_secret=s,", NULL, NULL, "k", "7");
	expect("Sentry sentry_key=k,sentry_version=7.1", NULL, NULL, "k", "7"); /* P-024 */
	expect("Sentry sentry_key=abc.nocache.x", NULL, NULL, "abc", "7");
}

static void authorization_is_read_in_both_schemes(void **state) /* P-017 */
{
	(void)state;
	expect(NULL, "Sentry sentry_key=k", NULL, "k", "7");
	expect(NULL, "Basic azpzZWNyZXQ=", NULL, "k", "7"); /* k:secret */
	expect(NULL, "bAsIc   aw==", NULL, "k", "7");       /* k */
	expect("Sentry sentry_key=k", "Bearer x", NULL, "k", "7");
	refuse(NULL, "Basic ?", NULL, E_UNAUTHORIZED);
	refuse(NULL, "Basic Og==", NULL, E_UNAUTHORIZED); /* : */
	refuse(NULL, "Basic ", NULL, E_UNAUTHORIZED);
}

static void the_query_counts_with_a_key_only(void **state) /* P-018, P-020 */
{
	struct credentials c;

	(void)state;
	expect(NULL, NULL, "sentry_key=k&sentry_version=7", "k", "7");
	expect(NULL, NULL, "a=b&sentry_%6bey=%6B&&x", "k", "7");
	expect("Sentry sentry_key=k", NULL, "sentry_release=1&sentry_version=x", "k", "7");
	assert_int_equal(read_all(NULL, NULL, "sentry_version=9&sentry_client=x", &c), E_OK);
	assert_false(c.found);
	assert_int_equal(c.client.n, 0);
	assert_int_equal(read_all("Bearer x", "Bearer y", "q", &c), E_OK);
	assert_false(c.found);
	assert_int_equal(read_all(NULL, NULL, NULL, &c), E_OK);
	assert_false(c.found);
	refuse(NULL, NULL, "sentry_key=", E_UNAUTHORIZED);
	refuse(NULL, NULL, "sentry_key", E_UNAUTHORIZED);
}

static void several_credentials_are_none(void **state) /* P-019 */
{
	const struct auth_input twice = {.sentry_auth = STR("Sentry sentry_key=k"),
		.sentry_auth_times = 2,
		.query = STR_EMPTY};
	struct credentials c;

	(void)state;
	refuse("Sentry sentry_key=k", NULL, "sentry_key=k", E_UNAUTHORIZED);
	refuse("Sentry sentry_key=k", "Sentry sentry_key=k", NULL, E_UNAUTHORIZED);
	refuse("Sentry sentry_key=k", "Basic azpzZWNyZXQ=", NULL, E_UNAUTHORIZED);
	refuse(NULL, "Sentry sentry_key=k", "sentry_key=k", E_UNAUTHORIZED);
	refuse(NULL, NULL, "sentry_key=k&sentry_key=k", E_UNAUTHORIZED);
	assert_int_equal(auth_read(&twice, arena, &c, NULL), E_UNAUTHORIZED);
}

static void versions_are_numbers_up_to_seven(void **state) /* P-024 */
{
	(void)state;
	refuse("Sentry sentry_key=k,sentry_version=8", NULL, NULL, E_SYNTAX);
	refuse("Sentry sentry_key=k,sentry_version=99999999999999999999999", NULL, NULL, E_SYNTAX);
	refuse("Sentry sentry_key=k,sentry_version=x", NULL, NULL, E_UNAUTHORIZED);
	refuse("Sentry sentry_key=k,sentry_version=", NULL, NULL, E_UNAUTHORIZED);
	refuse("Sentry sentry_key=k,sentry_version=-7", NULL, NULL, E_UNAUTHORIZED);
	refuse("Sentry sentry_key=k,sentry_version=.7", NULL, NULL, E_UNAUTHORIZED);
}

static void keys_are_local_ones(void **state) /* P-025, design 12.9 */
{
	(void)state;
	expect("Sentry sentry_key=my-App_1", NULL, NULL, "my-App_1", "7");
	expect("Sentry sentry_key=0123456789012345678901234567890123456789012345678901234567890123",
		NULL, NULL, "0123456789012345678901234567890123456789012345678901234567890123",
		"7");
	refuse("Sentry "
	       "sentry_key=01234567890123456789012345678901234567890123456789012345678901234",
		NULL, NULL, E_SYNTAX);
	refuse("Sentry sentry_key=a b", NULL, NULL, E_SYNTAX);
	refuse("Sentry sentry_key=.x", NULL, NULL, E_SYNTAX);
	refuse(NULL, NULL, "sentry_key=%00", E_SYNTAX);
	refuse("Sentry sentry_version=7", NULL, NULL, E_UNAUTHORIZED);
	refuse("Sentry sentry_key=", NULL, NULL, E_UNAUTHORIZED);
}

static void text_that_could_break_out_of_a_header_is_dropped(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(
		read_all(NULL, NULL,
			"sentry_key=k&sentry_client=a%0d%0aX-Y:%20z&sentry_secret=s%2cx=1", &c),
		E_OK);
	assert_int_equal(c.client.n, 0);
	assert_int_equal(c.secret.n, 0);
	assert_int_equal(
		read_all("Sentry sentry_key=k,sentry_client=sentry.python/2.1 (x)", NULL, NULL, &c),
		E_OK);
	assert_true(str_eq(c.client, STR("sentry.python/2.1 (x)")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x_sentry_auth_is_read_as_clients_write_it),
		cmocka_unit_test(authorization_is_read_in_both_schemes),
		cmocka_unit_test(the_query_counts_with_a_key_only),
		cmocka_unit_test(several_credentials_are_none),
		cmocka_unit_test(versions_are_numbers_up_to_seven),
		cmocka_unit_test(keys_are_local_ones),
		cmocka_unit_test(text_that_could_break_out_of_a_header_is_dropped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
