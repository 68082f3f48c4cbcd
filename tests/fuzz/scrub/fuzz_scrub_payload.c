/* Payloads of every type, by default and deep scrubbing.
 *
 * Input: one byte that names the type, the payload.
 *
 *   - what comes out is JSON
 *   - the cheap look at strings changes nothing
 *   - a card number does not come through where members are free
 */
#include <stdlib.h>

#include "scrub/scrub.h"

#define must(cond) ((cond) ? (void)0 : abort())

static struct scrubber *make(bool no_quick)
{
	struct scrub_options o = {.deep = true,
		.strip_default_pii = true,
		.attachments = true,
		.match_limit = 20000,
		.no_quick = no_quick};
	struct scrubber *s;

	o.settings.scrub_data = o.settings.scrub_defaults = o.settings.scrub_ip_addresses = true;
	must(scrubber_new(&s, &o, NULL) == E_OK);
	return s;
}

static int scrub(const struct scrubber *s, enum scrub_type t, struct str in, struct arena *a,
	struct str *out, struct walk_tally *values)
{
	struct scrub_tally tally = {0};
	struct err err = {0};
	int rc = scrub_payload(s, t, in, a, out, &tally, &err);

	*values = tally.values;
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scrubber *quick;
	static struct scrubber *slow;
	struct arena *a = arena_new(0, 256u << 20);
	struct walk_tally x;
	struct walk_tally y;
	struct json_doc *d;
	struct str one;
	struct str two;
	int rc;

	if (quick == NULL) {
		quick = make(false);
		slow = make(true);
	}
	must(a != NULL);
	if (size > 1 && size <= 8192) {
		enum scrub_type t = (enum scrub_type)(data[0] % SCRUB_TYPE_COUNT);
		struct str in = str_make((const char *)data + 1, size - 1);

		rc = scrub(quick, t, in, a, &one, &x);
		must(rc == scrub(slow, t, in, a, &two, &y));
		if (rc == E_OK) {
			must(json_parse(&d, a, one, NULL, NULL) == E_OK);
			/* Over a limit the one may see what the other never tries. */
			must(x.limits > 0 || y.limits > 0 || str_eq(one, two));
		}
		if (rc == E_OK && t == SCRUB_FREE &&
			json_type_of(d, json_root(d)) == JSON_TYPE_STRING)
			must(!str_eq(json_text(d, json_root(d)), STR("4571234567890111")));
	}
	arena_free(a);
	return 0;
}
