/* DSNs: what parses is formatted to a text that parses to the same parts, and
 * no part can break a header or a URL. */
#include "base/check.h"
#include "envelope/dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		check(s.p[i] > ' ' && s.p[i] < 0x7f && strchr("\"',<>\\?#@", s.p[i]) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct arena *a = arena_new(0, 0);
	struct err err = {0};
	struct dsn d, again;

	check(a != NULL);
	if (dsn_parse(text, &d, &err) == E_OK) {
		check_plain(d.key);
		check_plain(d.host);
		check_plain(d.prefix);
		check_plain(d.project);
		check(dsn_parse(dsn_format(&d, a), &again, NULL) == E_OK);
		check(d.https == again.https && d.port == again.port);
		check(str_eq(d.key, again.key) && str_eq(d.host, again.host));
		check(str_eq(d.prefix, again.prefix) && str_eq(d.project, again.project));
		check(again.secret.n == 0);
		check(dsn_parse_base(dsn_base_url(&d, a), &again, NULL) == E_OK);
		check(str_eq(d.host, again.host) && str_eq(d.prefix, again.prefix));
	} else {
		check(err.text[0] != '\0');
	}
	(void)dsn_parse_base(text, &d, NULL);
	arena_free(a);
	return 0;
}
