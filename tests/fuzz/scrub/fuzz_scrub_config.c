/* A configuration is refused with a sentence, or runs on an event and leaves JSON. */
#include <stdlib.h>

#include "scrub/scrub.h"

#define must(cond) ((cond) ? (void)0 : abort())

static const char event[] =
	"{\"user\":{\"ip_address\":\"127.0.0.1\",\"email\":\"a@b.co\"},\"extra\":{\"password\":"
	"\"x\","
	"\"n\":[1,[\"token\",\"4571234567890111\"],[\"a\",\"b\"]],\"t\":\"/home/al/x Bearer abc "
	"078-05-1120\"},"
	"\"request\":{\"cookies\":\"session=a; b=c\",\"query_string\":\"a=1&token=2\",\"data\":"
	"\"{\\\"a\\\":\\\"DE89370400440532013000\\\"}\",\"headers\":[[\"Cookie\",\"a=b\"]],"
	"\"url\":\"http://u:p@h/"
	"?a=b\"},\"_meta\":{\"extra\":{\"t\":{\"\":{\"rem\":[[\"x\",\"s\",0,5]]}}}}}";

static void run(const struct scrubber *s)
{
	struct arena *a = arena_new(0, 64u << 20);
	struct scrub_tally tally = {0};
	struct err err = {0};
	struct json_doc *d;
	struct str out;

	must(a != NULL);
	must(scrub_payload(s, SCRUB_EVENT, STR(event), a, &out, &tally, &err) == E_OK);
	must(json_parse(&d, a, out, NULL, NULL) == E_OK);
	must(scrub_attachment(s, STR("file.txt"), STR("a 127.0.0.1 b"), a, &out, &tally, &err) ==
		E_OK);
	must(out.n == 13);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scrub_options o = {.rules = str_make((const char *)data, size), .match_limit = 5000};
	struct scrubber *s;
	struct err err = {0};

	if (size == 0 || size > 4096)
		return 0;
	if (scrubber_new(&s, &o, &err) != E_OK) {
		must(s == NULL && err.text[0] != '\0');
		return 0;
	}
	run(s);
	scrubber_free(s);
	return 0;
}
