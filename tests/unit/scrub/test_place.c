/* Places say what selectors say: ways of every kind, asked for with and without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "unit/scrub/support.h"

#define ROUNDS 40000
#define DEEP   7

static const char config[] =
	"{\"rules\":{\"own\":{\"type\":\"pattern\",\"pattern\":\"x\"}},\"applications\":{"
	"\"$string\":[\"@ip\"],\"user.**\":[\"@email\"],\"*.cookies.session\":[\"@anything\"],"
	"\"a.0.b || a.12.b\":[\"own\"],\"$user && !user.id\":[\"@mac\"],"
	"\"extra.**.password\":[\"@password\"],\"'\u212a'\":[\"@imei\"],\"'\u00dc' || "
	"'na\u00efve'\":[\"@uuid\"],"
	"\"$error.value && !($http.** || b)\":[\"@bearer\",\"@common\"],"
	"\"$array || $object\":[\"@password:filter\"]}}";

static const char *const keys[] = {"user", "USER", "cookies", "session", "Session", "a", "b", "id",
	"extra", "password", "Password", "k", "K", "\xe2\x84\xaa", "\xc3\xbc", "\xc3\x9c",
	"na\xc3\xafve", "NA\xc3\x8fVE", "other", "more", "", "\xff", "\xc3",
	"a key that is longer than what is kept", "\0"};

struct world {
	struct pattern_set set;
	struct piiconf *conf;
	struct names *names;
	struct places *places;
	struct name_cache cache;
};

static void begin(struct world *w, const char *json)
{
	struct err err = {0};

	*w = (struct world){.places = NULL};
	assert_int_equal(pattern_set_init(&w->set, NULL), E_OK);
	if (piiconf_load(&w->conf, str_of(json), &w->set, false, &err) != E_OK)
		fail_msg("%s", err.text);
	assert_int_equal(
		names_new(&w->names, (const struct piiconf *const[]){w->conf, NULL}, 2), E_OK);
	assert_int_equal(places_new(&w->places, w->conf, w->names), E_OK);
}

static void end(struct world *w)
{
	places_free(w->places);
	names_free(w->names);
	piiconf_free(w->conf);
	pattern_set_fini(&w->set);
}

static struct pii_state random_state(struct rng *r)
{
	static const uint32_t types[] = {0, TYPE_BIT(TYPE_STRING), TYPE_BIT(TYPE_ARRAY),
		TYPE_BIT(TYPE_OBJECT), TYPE_BIT(TYPE_USER) | TYPE_BIT(TYPE_OBJECT),
		TYPE_BIT(TYPE_ERROR), TYPE_BIT(TYPE_HTTP)};
	struct pii_state s = {.index = -1,
		.types = types[rng_below(r, sizeof types / sizeof types[0])],
		.flag = (enum pii_flag)rng_below(r, 3)};

	if (rng_below(r, 4) == 0) {
		s.index = (int64_t)rng_below(r, 14);
	} else {
		const char *key = keys[rng_below(r, sizeof keys / sizeof keys[0])];

		s.key = str_make(key, *key == '\0' ? rng_below(r, 2) : strlen(key));
	}
	return s;
}

static void same_reach(struct world *w, struct pii_state *states, size_t depth)
{
	struct reach got = *places_reach(w->places, &w->cache, states, depth, false);
	const struct reach *asked;
	size_t count;
	const struct application *apps = piiconf_applications(w->conf, &count);
	uint32_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!selector_matches(apps[i].selector, states, depth))
			continue;
		assert_true(n < got.count);
		assert_int_equal(got.apps[n++], i);
	}
	assert_int_equal(n, got.count);
	asked = places_reach(w->places, &w->cache, states, depth, true);
	assert_int_equal(asked->values, got.values);
	assert_int_equal(asked->keys, got.keys);
}

static void places_say_what_selectors_say(void **state)
{
	struct world w;
	struct rng r;
	size_t reached = 0;

	(void)state;
	rng_seed(&r, 31);
	begin(&w, config);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct pii_state states[DEEP] = {{.index = -1, .flag = PII_FALSE}};
		size_t depth = 1 + rng_below(&r, DEEP);

		for (size_t k = 1; k < depth; k++)
			states[k] = random_state(&r);
		/* Not in order: those above are found on the way. */
		same_reach(&w, states, depth);
		if (depth > 2)
			same_reach(&w, states, depth - 1);
		reached += places_reach(w.places, &w.cache, states, depth, false)->count > 0;
		places_tidy(w.places);
	}
	assert_true(reached > ROUNDS / 10);
	end(&w);
}

/* Every way another: more than are kept. */
static void too_many_places_are_no_places(void **state)
{
	struct world w;
	struct pii_state states[100] = {{.index = -1, .flag = PII_FALSE}};

	(void)state;
	begin(&w, config);
	for (uint32_t round = 0; round < 200; round++) {
		for (size_t i = 1; i < 100; i++)
			states[i] = (struct pii_state){.index = -1,
				.types = (round * 131 + (uint32_t)i) & 0x3ffffff,
				.key = i == 60 ? STR("user") : STR_EMPTY};
		for (size_t depth = 1; depth <= 100; depth += 33)
			same_reach(&w, states, depth);
		if (round % 70 == 69)
			places_tidy(w.places);
	}
	end(&w);
}

static void keys_are_named_in_any_case_of_any_script(void **state)
{
	struct world w;
	uint32_t user, kelvin;

	(void)state;
	begin(&w, config);
	user = names_key(w.names, STR("user"));
	kelvin = names_key(w.names, STR("k"));
	assert_true(user != NAME_NONE && user != NAME_ODD);
	assert_int_equal(names_key(w.names, STR("uSeR")), user);
	assert_true(kelvin != NAME_NONE && kelvin != user);
	assert_int_equal(names_key(w.names, STR("\xe2\x84\xaa")), kelvin);
	assert_int_equal(names_key(w.names, STR("\xc3\x9c")), names_key(w.names, STR("\xc3\xbc")));
	assert_int_equal(names_key(w.names, STR("nobody")), NAME_NONE);
	assert_int_equal(names_key(w.names, STR("n\xc3\xb6")), NAME_NONE);
	assert_int_equal(names_key(w.names, STR("\xff")), NAME_ODD);
	assert_int_equal(names_index(w.names, 5), NAME_NONE);
	assert_int_not_equal(names_index(w.names, 12), names_index(w.names, 0));
	end(&w);
}

static void what_the_cache_keeps_is_what_a_look_finds(void **state)
{
	struct world w;
	struct rng r;
	char own[64];

	(void)state;
	rng_seed(&r, 77);
	begin(&w, config);
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t n = rng_below(&r, 24);
		struct str key = str_make(own, n);
		struct name_facts f;
		struct quick q;

		for (size_t k = 0; k < n; k++)
			own[k] = "paswordk:\xc3\0"[rng_below(&r, 11)];
		f = name_cache_look(&w.cache, w.names, key);
		quick_look(key, &q);
		assert_int_equal(f.look.bits, q.bits);
		assert_int_equal(f.name, names_key(w.names, key));
	}
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_say_what_selectors_say),
		cmocka_unit_test(too_many_places_are_no_places),
		cmocka_unit_test(keys_are_named_in_any_case_of_any_script),
		cmocka_unit_test(what_the_cache_keeps_is_what_a_look_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
