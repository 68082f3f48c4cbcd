/* Rate limit headers: what is read is within bounds, and what is written of it
 * is read as the same limits. */
#include "base/check.h"
#include "envelope/ratelimit.h"

#define KEEP 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct ratelimit limits[KEEP];
	unsigned n;
};

static void keep(void *arg, const struct ratelimit *limit)
{
	struct seen *s = arg;

	check(limit->seconds >= 1 && limit->seconds <= RATELIMIT_MAX_SECONDS);
	check(limit->categories != 0);
	check(memchr(limit->reason, '\0', sizeof limit->reason) != NULL);
	if (s->n < KEEP)
		s->limits[s->n++] = *limit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct seen first = {.n = 0}, second = {.n = 0};
	struct buf out = BUF_INIT;
	bool present;
	uint32_t seconds;

	(void)ratelimit_parse(text, keep, &first, &present);
	check(present || first.n == 0);
	for (unsigned i = 0; i < first.n; i++)
		ratelimit_write(&out, &first.limits[i]);
	check(buf_ok(&out));
	(void)ratelimit_parse(buf_view(&out), keep, &second, &present);
	check(first.n == second.n);
	for (unsigned i = 0; i < first.n; i++) {
		check(first.limits[i].categories == second.limits[i].categories);
		check(first.limits[i].seconds == second.limits[i].seconds);
		/* Clients know three scopes: any other is written as the narrowest. */
		check(second.limits[i].scope ==
			(first.limits[i].scope == SCOPE_OTHER ? SCOPE_KEY : first.limits[i].scope));
	}
	buf_fini(&out);
	if (ratelimit_retry_after(text, 1767225600, &seconds))
		check(seconds <= RATELIMIT_MAX_SECONDS);
	return 0;
}
