#include "envelope/ratelimit.h"

#include <curl/curl.h>

#define HTTP_DATE_BYTES 64

/* Whole or decimal seconds, rounded up (13.2, rule 4) and clamped. Signs,
 * exponents and names like "inf" are no numbers here. */
static bool parse_seconds(struct str s, uint32_t *ret)
{
	uint64_t whole = 0;
	size_t i = 0, digits = 0;
	bool fraction = false;

	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++) {
		whole = whole * 10 + (uint64_t)(s.p[i] - '0');
		if (whole > RATELIMIT_MAX_SECONDS)
			whole = RATELIMIT_MAX_SECONDS;
	}
	if (i < s.n && s.p[i] == '.') {
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++)
			fraction = fraction || s.p[i] != '0';
	}
	if (i < s.n || digits == 0)
		return false;
	if (fraction && whole < RATELIMIT_MAX_SECONDS)
		whole++;
	*ret = (uint32_t)whole;
	return true;
}

/* Zero when none of the names is known. */
static uint64_t parse_categories(struct str list)
{
	uint64_t set = 0;
	struct str name;
	enum category c;

	list = str_trim(list);
	if (list.n == 0)
		return RATELIMIT_ALL;
	while (str_cut(&list, ';', &name)) {
		if (category_parse(str_trim(name), &c))
			set |= UINT64_C(1) << c;
	}
	return set;
}

static enum ratelimit_scope parse_scope(struct str s)
{
	if (str_eq(s, STR("organization")))
		return SCOPE_ORGANIZATION;
	if (str_eq(s, STR("project")))
		return SCOPE_PROJECT;
	if (str_eq(s, STR("key")))
		return SCOPE_KEY;
	return SCOPE_OTHER;
}

/* 13.2, rule 5. */
static bool namespaces_are_ours(struct str list)
{
	struct str name;

	list = str_trim(list);
	if (list.n == 0)
		return true;
	while (str_cut(&list, ';', &name)) {
		if (str_eq(str_trim(name), STR("custom")))
			return true;
	}
	return false;
}

/* Takes the next field, trimmed; empty when there is none. */
static struct str next_field(struct str *rest)
{
	struct str field = STR_EMPTY;

	(void)str_cut(rest, ':', &field);
	return str_trim(field);
}

/* False when the entry is not well formed. limit->categories is 0 when it
 * limits nothing that picket knows. */
static bool parse_entry(struct str entry, struct ratelimit *limit)
{
	struct str number = next_field(&entry), reason;

	memset(limit, 0, sizeof *limit);
	if (entry.p == NULL || !parse_seconds(number, &limit->seconds))
		return false;
	limit->categories = parse_categories(next_field(&entry));
	limit->scope = parse_scope(next_field(&entry));
	reason = str_first(next_field(&entry), sizeof limit->reason - 1);
	if (reason.n > 0)
		memcpy(limit->reason, reason.p, reason.n);
	if (limit->categories != RATELIMIT_ALL && !namespaces_are_ours(next_field(&entry)))
		limit->categories &= ~(UINT64_C(1) << CAT_METRIC_BUCKET);
	if (limit->seconds == 0)
		limit->categories = 0;
	return true;
}

unsigned ratelimit_parse(struct str header, ratelimit_fn *each, void *arg, bool *was_present)
{
	struct str entry;
	struct ratelimit limit;
	unsigned given = 0;

	*was_present = false;
	while (str_cut(&header, ',', &entry)) {
		if (!parse_entry(str_trim(entry), &limit))
			continue;
		*was_present = true;
		if (limit.categories == 0)
			continue;
		each(arg, &limit);
		given++;
	}
	return given;
}

bool ratelimit_retry_after(struct str value, int64_t wall_s, uint32_t *seconds)
{
	char text[HTTP_DATE_BYTES];
	int64_t wait;
	time_t when;

	value = str_trim(value);
	if (parse_seconds(value, seconds))
		return true;
	if (value.n < sizeof "d mmm yy" - 1 || value.n >= sizeof text)
		return false;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	when = curl_getdate(text, NULL);
	if (when == -1)
		return false;
	wait = when > wall_s ? (int64_t)when - wall_s : 0;
	*seconds = wait > RATELIMIT_MAX_SECONDS ? RATELIMIT_MAX_SECONDS : (uint32_t)wait;
	return true;
}

static void write_categories(struct buf *out, uint64_t set)
{
	const char *before = "";

	if (set == RATELIMIT_ALL)
		return;
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if ((set >> c & 1) == 0)
			continue;
		buf_cstr(out, before);
		buf_cstr(out, category_name((enum category)c));
		before = ";";
	}
}

/* Upstream's text goes into a header of ours: only what cannot end a field. */
static void write_reason(struct buf *out, const char *reason)
{
	if (reason[0] != '\0')
		buf_char(out, ':');
	for (; *reason != '\0'; reason++) {
		bool plain = *reason > ' ' && *reason < 0x7f && strchr(",:;", *reason) == NULL;

		buf_char(out, (char)(plain ? *reason : '_'));
	}
}

void ratelimit_write(struct buf *out, const struct ratelimit *limit)
{
	static const char *const scopes[] = {
		[SCOPE_OTHER] = "key",
		[SCOPE_ORGANIZATION] = "organization",
		[SCOPE_PROJECT] = "project",
		[SCOPE_KEY] = "key",
	};

	if (out->n > 0)
		buf_cstr(out, ", ");
	buf_printf(out, "%u:", limit->seconds > 0 ? (unsigned)limit->seconds : 1u);
	write_categories(out, limit->categories);
	buf_printf(out, ":%s", scopes[limit->scope]);
	write_reason(out, limit->reason);
}
