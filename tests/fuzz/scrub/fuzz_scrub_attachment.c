/* Files: the length stays, addresses do not, and JSON stays JSON.
 *
 * Input: one byte that says what the file is taken for, and the file.
 */
#include <stdlib.h>

#include "scrub/scrub.h"

#define must(cond) ((cond) ? (void)0 : abort())

static const char rules[] =
	"{\"rules\":{\"digits\":{\"type\":\"pattern\",\"pattern\":\"[0-9]{6}\",\"redaction\":{"
	"\"method\":\"mask\"}}},\"applications\":{\"$binary\":[\"@ip:remove\",\"@email:hash\","
	"\"@creditcard\",\"@pemkey\",\"digits\"],\"$string\":[\"@ip:remove\"]}}";

static bool has_six_digits(struct str s)
{
	size_t run = 0;

	for (size_t i = 0; i < s.n && run < 6; i++)
		run = s.p[i] >= '0' && s.p[i] <= '9' ? run + 1 : 0;
	return run >= 6;
}

static void run(const struct scrubber *s, bool is_json, struct str in)
{
	struct arena *a = arena_new(0, 256u << 20);
	struct scrub_tally tally = {0};
	struct err err = {0};
	struct json_doc *d;
	struct str out;

	must(a != NULL);
	if (is_json) {
		int rc = scrub_json_attachment(s, STR("a.json"), in, a, &out, &tally, &err);

		must(rc != E_OK || json_parse(&d, a, out, NULL, NULL) == E_OK ||
			json_parse(&d, a, in, NULL, NULL) != E_OK);
	} else {
		must(scrub_attachment(s, STR("a.bin"), in, a, &out, &tally, &err) == E_OK);
		must(out.n == in.n);
		must(!has_six_digits(out));
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scrubber *s;
	struct scrub_options o = {.rules = STR(rules), .attachments = true, .match_limit = 50000};

	must(s != NULL || scrubber_new(&s, &o, NULL) == E_OK);
	if (size > 1 && size <= 16384)
		run(s, data[0] % 3 == 2, str_make((const char *)data + 1, size - 1));
	return 0;
}
