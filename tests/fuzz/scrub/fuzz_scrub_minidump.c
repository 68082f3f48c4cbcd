/* Crash dumps: what is told lies inside of the file, and scrubbing keeps its length
 * and, with a mask, what can be read of it.
 */
#include <stdlib.h>

#include "scrub/minidump.h"
#include "scrub/scrub.h"

#define must(cond) ((cond) ? (void)0 : abort())

static const char rules[] = "{\"applications\":{\"$minidump.*\":[\"@ip:mask\",\"@email:hash\","
			    "\"@password\"]}}";

static void check(struct arena *a, struct str in)
{
	struct dump_parts parts;
	uint64_t all = 0;
	int rc = minidump_parts(a, in, &parts);

	must(rc == E_OK || rc == E_SYNTAX);
	for (size_t i = 0; i < parts.n; i++) {
		must(parts.list[i].n > 0 && parts.list[i].from <= in.n &&
			parts.list[i].n <= in.n - parts.list[i].from);
		all += parts.list[i].n;
	}
	must(all <= 4 * (uint64_t)in.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scrubber *s;
	struct scrub_options o = {.rules = STR(rules), .attachments = true, .match_limit = 5000};
	struct arena *a = arena_new(0, 256u << 20);
	struct str in = str_make((const char *)data, size);
	struct scrub_tally tally = {0};
	struct err err = {0};
	struct str out;
	int rc;

	must(a != NULL);
	must(s != NULL || scrubber_new(&s, &o, NULL) == E_OK);
	if (size > 0 && size <= 16384) {
		check(a, in);
		rc = scrub_minidump(s, STR("a.dmp"), in, a, &out, &tally, &err);
		must(rc == E_OK || rc == E_SYNTAX);
		must(out.n == in.n);
	}
	arena_free(a);
	return 0;
}
