/* What a hook costs that does nothing, and one that looks and changes a little.
 *
 * Distinct events of 10 KiB, indexed as every step of processing needs them; the
 * figure is the time of a session with one call, the median of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/system/events.h"
#include "hooks/hooks.h"

#define ROUNDS 21
#define BYTES  10240

static const char *const scripts[] = {"function before_send(event) return event end",
	"function before_send(event)\n"
	"  local e = event.exception.values[1]\n"
	"  if e.type:find('Timeout', 1, true) then return nil end\n"
	"  event.tags.seen = 'yes'\n"
	"  return event\n"
	"end"};

static struct hooks *hooks_make(const char *script)
{
	char path[] = "bench-hooks-XXXXXX";
	struct hooks_options o = {path, 20000, 8 << 20};
	struct hooks *h;
	int fd = mkstemp(path);

	check(fd >= 0 && write(fd, script, strlen(script)) == (ssize_t)strlen(script));
	check(close(fd) == 0);
	check(hooks_new(&h, &o, NULL) == E_OK);
	check(unlink(path) == 0);
	return h;
}

static double round_of(struct hooks *h, const struct events *events)
{
	int64_t sum = 0;

	for (size_t i = 0; i < EVENTS_COUNT; i++) {
		struct envelope *e = envelope_new();
		struct hook_session *s;
		struct json_doc *d;
		struct err err;
		int64_t start;

		check(e != NULL);
		check(envelope_parse(e, buf_view(&events->of[i].bytes), NULL, NULL) == E_OK);
		d = item_payload(e, &e->items[0]);
		start = clock_mono_us();
		check(hooks_begin(h, e, (struct instant){0, 0}, &s, NULL) == E_OK);
		check(hooks_call(s, HOOK_EVENT, &e->items[0], d, json_root(d), &err) == HOOK_KEPT);
		hooks_end(s);
		sum += clock_mono_us() - start;
		envelope_free(e);
	}
	return (double)sum / EVENTS_COUNT;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static const char *const names[] = {"hooks.nothing_us", "hooks.little_us"};
	struct events events;
	double us[ROUNDS];

	events_init(&events, 11, BYTES, EVENTS_ERROR);
	for (size_t k = 0; k < 2; k++) {
		struct hooks *h = hooks_make(scripts[k]);

		for (size_t i = 0; i < ROUNDS; i++)
			us[i] = round_of(h, &events);
		qsort(us, ROUNDS, sizeof us[0], by_value);
		(void)printf(
			"%s value=%.1f%s\n", names[k], us[ROUNDS / 2], k == 0 ? " target<=20" : "");
		hooks_free(h);
	}
	events_fini(&events);
	return 0;
}
