#include "forward/verdict.h"

#include "base/err.h"

static struct verdict verdict_of_4xx(const struct attempt *a)
{
	struct verdict v = {.kind = VERDICT_DEAD};

	switch (a->status) {
	case 408:
	case 425:
		v.kind = VERDICT_RETRY;
		break;
	case 413:
		if (!a->was_split)
			v.kind = VERDICT_SPLIT;
		break;
	case 429:
		v.kind = VERDICT_LIMITED;
		break;
	case 400:
		/* Old servers say 400 to an encoding they do not know. One that
		 * took zstd before means the content. */
		if ((a->is_zstd && !a->zstd_is_fine) || a->is_brotli)
			v.kind = VERDICT_GZIP;
		break;
	case 415:
		if (a->is_zstd || a->is_brotli)
			v.kind = VERDICT_GZIP;
		break;
	case 401:
	case 403:
	case 404:
		v.lane_is_refused = true;
		break;
	default:
		break;
	}
	return v;
}

/* Answers of a proxy, or of a network that wants a password first: no server that takes
 * envelopes gives them (RFC 9110 15.5.8, RFC 6585 6). */
static bool is_of_the_way(int status)
{
	return status == 407 || status == 511;
}

struct verdict verdict_of(const struct attempt *a)
{
	struct verdict v = {.kind = VERDICT_DEAD};

	if (a->rc == E_CANCELED)
		return (struct verdict){.kind = VERDICT_CANCELED};
	if (a->rc != E_OK || a->status < 200 || is_of_the_way(a->status))
		return (struct verdict){.kind = VERDICT_RETRY, .host_is_away = true};
	if (a->status < 300)
		return (struct verdict){.kind = VERDICT_DELIVERED};
	if (a->status < 400)
		return v;
	if (a->status < 500)
		return verdict_of_4xx(a);
	if (a->status >= 502 && a->status <= 504)
		return (struct verdict){.kind = VERDICT_RETRY, .host_is_away = true};
	if (a->status == 508) { /* it leads back here: kept until that is mended */
		v.kind = VERDICT_RETRY;
		v.lane_is_refused = true;
		return v;
	}
	v.host_is_unwell = true;
	if (a->number < VERDICT_ATTEMPTS)
		v.kind = VERDICT_RETRY;
	return v;
}

const char *verdict_name(enum verdict_kind k)
{
	static const char *const names[] = {[VERDICT_DELIVERED] = "delivered",
		[VERDICT_LIMITED] = "limited",
		[VERDICT_RETRY] = "retry",
		[VERDICT_GZIP] = "gzip",
		[VERDICT_SPLIT] = "split",
		[VERDICT_DEAD] = "dead",
		[VERDICT_CANCELED] = "canceled"};

	return names[k];
}
