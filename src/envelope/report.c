#include "envelope/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "envelope/leb.h"

#define REPORT_ITEM_BYTES     4096 /* 9.3: documented bound of one item */
#define REPORT_HEAD_BYTES     64   /* {"type":"client_report","length":4096} LF */
#define REPORT_TAIL           "]}"
#define REPORT_QUANTITY       UINT32_MAX /* upstream reads 32 bits; the rest follows */
#define REPORT_PACKED_VERSION 1

bool report_empty(const struct report *r)
{
	for (unsigned why = 0; why < DROP_COUNT; why++) {
		for (unsigned c = 0; c < CAT_COUNT; c++) {
			if (r->lost[why][c] != 0)
				return false;
		}
	}
	return true;
}

static void add_one(struct report *r, unsigned why, unsigned c, uint64_t n)
{
	uint64_t *to = &r->lost[why][c];

	*to = n > UINT64_MAX - *to ? UINT64_MAX : *to + n;
}

static void note_time(struct report *r, int64_t wall_s)
{
	if (wall_s != 0 && (r->since_wall_s == 0 || wall_s < r->since_wall_s))
		r->since_wall_s = wall_s;
}

void report_add(struct report *r, enum drop_reason why, const struct quantities *q, int64_t wall_s)
{
	check(why > DROP_NONE && why < DROP_COUNT);
	if (quantities_empty(q))
		return;
	note_time(r, wall_s);
	for (unsigned c = 0; c < CAT_COUNT; c++)
		add_one(r, why, c, q->of[c]);
}

void report_merge(struct report *r, const struct report *more)
{
	note_time(r, more->since_wall_s);
	for (unsigned why = 0; why < DROP_COUNT; why++) {
		for (unsigned c = 0; c < CAT_COUNT; c++)
			add_one(r, why, c, more->lost[why][c]);
	}
}

void report_subtract(struct report *r, const struct report *less)
{
	for (unsigned why = 0; why < DROP_COUNT; why++) {
		for (unsigned c = 0; c < CAT_COUNT; c++) {
			uint64_t n = less->lost[why][c];

			r->lost[why][c] -= n < r->lost[why][c] ? n : r->lost[why][c];
		}
	}
	if (report_empty(r))
		r->since_wall_s = 0;
}

/* One entry into out; false when it does not fit. */
static bool put_entry(char *out, size_t room, size_t *n, unsigned why, unsigned c, uint64_t lost)
{
	const char *before = out[*n - 1] == '[' ? "" : ",";
	int m = snprintf(out + *n, room - *n,
		"%s{\"reason\":\"%s\",\"category\":\"%s\",\"quantity\":%" PRIu64 "}", before,
		drop_name((enum drop_reason)why), category_name((enum category)c), lost);

	if (m < 0 || (size_t)m >= room - *n)
		return false;
	*n += (size_t)m;
	return true;
}

/* Fills written with what went into payload; returns the payload's bytes. */
static size_t put_payload(
	char *payload, size_t room, const struct report *r, struct report *written, int64_t stamp)
{
	int m = snprintf(payload, room, "{\"timestamp\":%" PRId64 ",\"discarded_events\":[", stamp);
	size_t n = m > 0 && (size_t)m < room ? (size_t)m : 0;
	bool fits = n > 0;

	room -= sizeof REPORT_TAIL; /* kept free for the end */
	for (unsigned why = DROP_NONE + 1; why < DROP_COUNT && fits; why++) {
		for (unsigned c = 0; c < CAT_COUNT && fits; c++) {
			uint64_t lost = r->lost[why][c];

			if (lost == 0)
				continue;
			lost = lost < REPORT_QUANTITY ? lost : REPORT_QUANTITY;
			fits = put_entry(payload, room, &n, why, c, lost);
			if (fits)
				written->lost[why][c] = lost;
		}
	}
	memcpy(payload + n, REPORT_TAIL, sizeof REPORT_TAIL - 1);
	return n + sizeof REPORT_TAIL - 1;
}

void report_write_item(
	struct report *r, struct report *written, int64_t now_wall_s, struct buf *out)
{
	char payload[REPORT_ITEM_BYTES - REPORT_HEAD_BYTES];
	char head[REPORT_HEAD_BYTES];
	int64_t stamp = now_wall_s;
	size_t n;

	memset(written, 0, sizeof *written);
	if (report_empty(r))
		return;
	if (r->since_wall_s != 0 && r->since_wall_s < now_wall_s)
		stamp = r->since_wall_s;
	n = put_payload(payload, sizeof payload, r, written, stamp);
	written->since_wall_s = r->since_wall_s;
	(void)snprintf(head, sizeof head, "{\"type\":\"client_report\",\"length\":%zu}\n", n);
	if (buf_reserve(out, strlen(head) + n + 1) == NULL) {
		memset(written, 0, sizeof *written);
		return;
	}
	buf_cstr(out, head);
	buf_add(out, payload, n);
	buf_char(out, '\n');
	report_subtract(r, written);
}

size_t report_pack(const struct report *r, uint8_t *out)
{
	uint64_t since = (uint64_t)r->since_wall_s;
	size_t n = 0;

	out[n++] = REPORT_PACKED_VERSION;
	for (unsigned i = 0; i < 8; i++)
		out[n++] = (uint8_t)(since >> 8 * i);
	for (unsigned why = 0; why < DROP_COUNT; why++) {
		for (unsigned c = 0; c < CAT_COUNT; c++) {
			if (r->lost[why][c] == 0)
				continue;
			out[n++] = (uint8_t)why;
			out[n++] = (uint8_t)c;
			n += leb_put(out + n, r->lost[why][c]);
		}
	}
	return n;
}

bool report_unpack(const uint8_t *p, size_t n, struct report *r)
{
	uint64_t since = 0;
	size_t at = 0;

	memset(r, 0, sizeof *r);
	if (n < 9 || p[at++] != REPORT_PACKED_VERSION)
		return false;
	for (unsigned i = 0; i < 8; i++)
		since |= (uint64_t)p[at++] << 8 * i;
	r->since_wall_s = (int64_t)since;
	while (at < n) {
		unsigned why = p[at++], c;

		if (at == n)
			return false;
		c = p[at++];
		if (why == DROP_NONE || why >= DROP_COUNT || c >= CAT_COUNT ||
			!leb_get(p, n, &at, &r->lost[why][c]))
			return false;
	}
	return true;
}
