#include "process/draw.h"

#include "base/siphash.h"

/* "picket sampling!": published in picket.conf(5), because others must be able
 * to decide the same. Never to be changed. */
static const struct siphash_key key = {UINT64_C(0x732074656b636970), UINT64_C(0x21676e696c706d61)};

/* Below this rate six decimals are too coarse (3.5). */
#define FINE_BELOW 1e-4
#define DECIMALS   1000000u
#define STEP       1e-6

static double unit_of(uint64_t hash)
{
	return (double)(hash >> 11) * 0x1p-53;
}

static uint64_t hash_of_id(const struct event_id *id)
{
	char hex[EVENT_ID_HEX_BYTES];

	event_id_hex(id, hex);
	return siphash(&key, str_make(hex, EVENT_ID_HEX_BYTES - 1));
}

struct draw draw_of_id(const struct event_id *id)
{
	double x = unit_of(hash_of_id(id));

	return (struct draw){x, x};
}

struct draw draw_of_text(const char *prefix, struct str id)
{
	struct str front = str_of(prefix);
	char text[64];
	struct event_id parsed;
	char hex[EVENT_ID_HEX_BYTES];
	double x;

	if (event_id_parse(id, &parsed)) {
		event_id_hex(&parsed, hex);
		id = str_make(hex, EVENT_ID_HEX_BYTES - 1);
	}
	if (front.n > 0 && front.n + id.n <= sizeof text) {
		memcpy(text, front.p, front.n);
		memcpy(text + front.n, id.p, id.n);
		id = str_make(text, front.n + id.n);
	}
	x = unit_of(siphash(&key, id));
	return (struct draw){x, x};
}

double draw_from_digits(const struct event_id *trace_id)
{
	uint64_t r = 0, high, low;

	for (size_t i = 9; i < 16; i++)
		r = r << 8 | trace_id->b[i];
	/* floor(r * 10^6 / 2^56) without leaving 64 bits */
	high = (r >> 28) * DECIMALS;
	low = ((r & ((UINT64_C(1) << 28) - 1)) * DECIMALS) >> 28;
	return (double)((high + low) >> 28) / DECIMALS;
}

/* Into the part of [0, 1) that the SDK's decision says the number was in. */
static double rescaled(const struct dsc *dsc, double x)
{
	if (!dsc->has_rate || dsc->sampled == DSC_SAMPLED_UNKNOWN)
		return x;
	if (dsc->sampled == DSC_SAMPLED_YES)
		return x * dsc->rate;
	return dsc->rate + x * (1 - dsc->rate);
}

bool draw_of_trace(const struct dsc *dsc, const struct event_id *trace_id,
	const struct event_id *event_id, struct draw *ret)
{
	const struct event_id *id = dsc->has_trace_id ? &dsc->trace_id : trace_id;
	double more = 0;

	if (id == NULL && !dsc->has_rand) {
		if (event_id != NULL)
			*ret = draw_of_id(event_id);
		return event_id != NULL;
	}
	if (id == NULL)
		id = event_id;
	if (id != NULL)
		more = (double)(hash_of_id(id) >> 32) * 0x1p-32 * STEP;
	if (dsc->has_rand) {
		*ret = (struct draw){dsc->rand, dsc->rand + more};
	} else {
		double x = draw_from_digits(id);

		*ret = (struct draw){rescaled(dsc, x), rescaled(dsc, x + more)};
	}
	return true;
}

bool draw_is_below(struct draw d, double rate)
{
	return (rate < FINE_BELOW ? d.fine : d.coarse) < rate;
}
