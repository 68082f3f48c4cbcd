/* OpenTelemetry's protobuf: what comes out is such a request again, and scrubbing it
 * once more changes nothing that could not be read.
 *
 * Input: one byte, odd for logs, and the request.
 */
#include <stdlib.h>

#include "scrub/otlp.h"

#define must(cond) ((cond) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scrubber *s;
	struct scrub_options o = {.deep = true, .match_limit = 20000};
	struct arena *a = arena_new(0, 256u << 20);
	struct scrub_tally tally = {0};
	struct run r;
	struct str out;
	struct str again;

	o.settings.scrub_data = o.settings.scrub_defaults = o.settings.scrub_ip_addresses = true;
	must(a != NULL);
	must(s != NULL || scrubber_new(&s, &o, NULL) == E_OK);
	must(run_begin(&r, s, a, &tally) == E_OK);
	if (size > 1 && size <= 16384 &&
		otlp_scrub(&r, (data[0] & 1) != 0, str_make((const char *)data + 1, size - 1),
			&out) == E_OK)
		must(otlp_scrub(&r, (data[0] & 1) != 0, out, &again) == E_OK);
	run_end(&r);
	arena_free(a);
	return 0;
}
