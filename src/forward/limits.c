#include "forward/limits.h"

#define DEFAULT_SECONDS 60 /* a 429 that says nothing (13.2, rule 2) */

static bool limit_prolong(struct limit *l, const struct ratelimit *from, int64_t until_mono_ms)
{
	if (until_mono_ms <= l->until_mono_ms)
		return false;
	l->until_mono_ms = until_mono_ms;
	l->scope = from->scope;
	memcpy(l->reason, from->reason, sizeof l->reason);
	return true;
}

static bool limits_set_until(struct limits *l, const struct ratelimit *from, int64_t until_mono_ms)
{
	bool changed = false;

	if (from->categories == RATELIMIT_ALL) {
		changed = limit_prolong(&l->all, from, until_mono_ms);
	} else {
		for (unsigned c = 0; c < CAT_COUNT; c++) {
			if ((from->categories >> c & 1) != 0)
				changed |= limit_prolong(&l->of[c], from, until_mono_ms);
		}
	}
	l->is_used |= changed;
	return changed;
}

bool limits_set(struct limits *l, const struct ratelimit *limit, int64_t now_mono_ms)
{
	uint32_t s = limit->seconds;

	if (s > RATELIMIT_MAX_SECONDS)
		s = RATELIMIT_MAX_SECONDS;
	return limits_set_until(l, limit, now_mono_ms + (int64_t)s * 1000);
}

struct answer {
	struct limits *limits;
	int64_t now_mono_ms;
	bool changed;
};

static void answer_each(void *arg, const struct ratelimit *limit)
{
	struct answer *a = arg;

	a->changed |= limits_set(a->limits, limit, a->now_mono_ms);
}

bool limits_answer(struct limits *l, int status, const char *rate_limits, const char *retry_after,
	struct instant now)
{
	struct answer a = {l, now.mono_ms, false};
	struct ratelimit all = {
		.categories = RATELIMIT_ALL, .seconds = DEFAULT_SECONDS, .scope = SCOPE_KEY};
	bool was_present = false;

	if (rate_limits != NULL)
		(void)ratelimit_parse(str_of(rate_limits), answer_each, &a, &was_present);
	if (was_present || status != 429)
		return a.changed;
	if (retry_after == NULL ||
		!ratelimit_retry_after(str_of(retry_after), now.wall_ms / 1000, &all.seconds))
		all.seconds = DEFAULT_SECONDS;
	return limits_set(l, &all, now.mono_ms) || a.changed;
}

uint64_t limits_active(const struct limits *l, int64_t now_mono_ms)
{
	uint64_t set = 0;

	if (l->all.until_mono_ms > now_mono_ms)
		return RATELIMIT_ALL;
	if (!l->is_used)
		return 0;
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (l->of[c].until_mono_ms > now_mono_ms)
			set |= UINT64_C(1) << c;
	}
	return set;
}

int64_t limits_next_end(const struct limits *l, int64_t now_mono_ms)
{
	int64_t end = INT64_MAX;

	/* While all is stopped no category's own end changes anything. */
	if (l->all.until_mono_ms > now_mono_ms)
		return l->all.until_mono_ms;
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (l->of[c].until_mono_ms > now_mono_ms && l->of[c].until_mono_ms < end)
			end = l->of[c].until_mono_ms;
	}
	return end;
}

static bool limit_same(const struct limit *a, const struct limit *b)
{
	return a->until_mono_ms == b->until_mono_ms && a->scope == b->scope &&
	       strcmp(a->reason, b->reason) == 0;
}

static void limit_tell(const struct limit *l, uint64_t categories, int64_t now_mono_ms,
	ratelimit_fn *each, void *arg)
{
	struct ratelimit out = {.categories = categories, .scope = l->scope};

	out.seconds = (uint32_t)((l->until_mono_ms - now_mono_ms + 999) / 1000);
	memcpy(out.reason, l->reason, sizeof out.reason);
	each(arg, &out);
}

void limits_each(const struct limits *l, int64_t now_mono_ms, ratelimit_fn *each, void *arg)
{
	uint64_t told = 0;

	if (l->all.until_mono_ms > now_mono_ms)
		limit_tell(&l->all, RATELIMIT_ALL, now_mono_ms, each, arg);
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		uint64_t group = 0;

		if (l->of[c].until_mono_ms <= now_mono_ms || (told >> c & 1) != 0)
			continue;
		for (unsigned d = c; d < CAT_COUNT; d++) {
			if (limit_same(&l->of[c], &l->of[d]))
				group |= UINT64_C(1) << d;
		}
		told |= group;
		limit_tell(&l->of[c], group, now_mono_ms, each, arg);
	}
}

static void limit_pack(const struct limit *l, const char *name, struct instant now, struct buf *out)
{
	long long end_wall_ms = now.wall_ms + (l->until_mono_ms - now.mono_ms);

	if (l->until_mono_ms > now.mono_ms)
		buf_printf(out, "%lld %s %d %s\n", end_wall_ms, name, (int)l->scope, l->reason);
}

void limits_pack(const struct limits *l, struct instant now, struct buf *out)
{
	limit_pack(&l->all, "*", now, out);
	for (unsigned c = 0; c < CAT_COUNT; c++)
		limit_pack(&l->of[c], category_name((enum category)c), now, out);
}

static void line_unpack(struct limits *l, struct str line, struct instant now)
{
	struct ratelimit from = {.categories = RATELIMIT_ALL};
	struct str end, name, scope;
	uint64_t end_wall_ms, scope_number;
	enum category c;
	int64_t left_ms;

	if (!str_cut(&line, ' ', &end) || !str_cut(&line, ' ', &name) ||
		!str_cut(&line, ' ', &scope) || !str_to_u64(end, INT64_MAX, &end_wall_ms) ||
		!str_to_u64(scope, SCOPE_KEY, &scope_number))
		return;
	if (!str_eq(name, STR("*"))) {
		if (!category_parse(name, &c))
			return;
		from.categories = UINT64_C(1) << c;
	}
	if ((int64_t)end_wall_ms <= now.wall_ms)
		return;
	from.scope = (enum ratelimit_scope)scope_number;
	line = str_first(line, sizeof from.reason - 1);
	if (line.n > 0)
		memcpy(from.reason, line.p, line.n);
	left_ms = (int64_t)end_wall_ms - now.wall_ms;
	if (left_ms > (int64_t)RATELIMIT_MAX_SECONDS * 1000)
		left_ms = (int64_t)RATELIMIT_MAX_SECONDS * 1000;
	(void)limits_set_until(l, &from, now.mono_ms + left_ms);
}

void limits_unpack(struct limits *l, struct str text, struct instant now)
{
	struct str line;

	while (str_cut(&text, '\n', &line))
		line_unpack(l, line, now);
}
