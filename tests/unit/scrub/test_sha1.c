/* SHA-1 and HMAC against the examples of FIPS 180 and RFC 2202. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scrub/sha1.h"

static void known_digests(void **state)
{
	static const struct {
		const char *text;
		uint8_t first[4];
	} cases[] = {
		{"", {0xda, 0x39, 0xa3, 0xee}},
		{"abc", {0xa9, 0x99, 0x3e, 0x36}},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			{0x84, 0x98, 0x3e, 0x44}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t out[SHA1_BYTES];

		sha1_digest(str_of(cases[i].text), out);
		assert_memory_equal(out, cases[i].first, 4);
	}
}

static void known_macs(void **state) /* 11 */
{
	char hex[SHA1_HEX];
	char key[80];

	(void)state;
	sha1_hmac_hex(STR("Jefe"), STR("what do ya want for nothing?"), hex);
	assert_memory_equal(hex, "EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79", SHA1_HEX);
	sha1_hmac_hex(STR_EMPTY, STR("127.0.0.1"), hex);
	assert_memory_equal(hex, "AE12FE3B5F129B5CC4CDD2B136B7B7947C4D2741", SHA1_HEX);
	memset(key, 0xaa, sizeof key);
	sha1_hmac_hex(str_make(key, sizeof key),
		STR("Test Using Larger Than Block-Size Key - Hash Key First"), hex);
	assert_memory_equal(hex, "AA4AE5E15272D00E95705637CE8A3B55ED402112", SHA1_HEX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests),
		cmocka_unit_test(known_macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
