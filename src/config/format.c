/* Values as text again: what value_parse() reads. */
#include <inttypes.h>

#include "base/number.h"
#include "config/quote.h"
#include "config/value.h"

/* Elements of a list go on lines of their own when one line gets this long;
 * inih takes about 200 bytes. */
#define LIST_LINE_BYTES 100u

/* Text with what a file could not hold as it is: "${", a ';' that would open
 * a comment, and '#' or ';' at the start of a line. */
void value_format_text(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool opens = i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t';

		if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{')
			buf_cstr(out, "${$}");
		else if (s.p[i] == ';' && opens)
			buf_cstr(out, "${;}");
		else if (s.p[i] == '#' && i == 0)
			buf_cstr(out, "${#}");
		else
			buf_char(out, s.p[i]);
	}
}

/* URLs may carry a password, header lines a token: shown without. */
static void format_masked(struct buf *out, const struct setting_info *info, const char *text)
{
	struct str s = str_of(text);
	size_t colon = str_find_char(s, ':');

	if (info->type == SETTING_SECRET) {
		mask_url(out, s, true);
	} else if (info->type == SETTING_LINES && colon < s.n) {
		buf_str(out, str_first(s, colon));
		buf_cstr(out, ": ****");
	} else {
		mask_url(out, s, false);
	}
}

static void format_one(
	struct buf *out, const struct setting_info *info, const char *text, bool secrets)
{
	if (secrets || info->type == SETTING_PATTERNS)
		value_format_text(out, str_of(text));
	else
		format_masked(out, info, text);
}

static void format_list(
	const struct setting_info *info, const struct str_list *l, bool secrets, struct buf *out)
{
	bool own_lines = info->type != SETTING_LIST && (l->n > 1 || info->type == SETTING_PATTERNS);
	size_t total = 0;

	for (size_t i = 0; i < l->n; i++)
		total += strlen(l->v[i]) + 1;
	own_lines = own_lines || total > LIST_LINE_BYTES;
	for (size_t i = 0; i < l->n; i++) {
		if (own_lines)
			buf_cstr(out, "\n\t");
		else
			buf_char(out, ' ');
		format_one(out, info, l->v[i], secrets);
	}
}

static void format_units(struct buf *out, uint64_t v, bool is_duration)
{
	const struct value_unit *units = is_duration ? value_duration_units : value_size_units;
	size_t i = 0;

	if (v == 0) {
		buf_cstr(out, " 0");
		return;
	}
	while (v % units[i].factor != 0)
		i++;
	buf_printf(out, " %" PRIu64 "%s", v / units[i].factor, units[i].name);
}

static void format_rate(struct buf *out, double rate)
{
	char text[NUMBER_BYTES];

	number_format(rate, text);
	buf_char(out, ' ');
	buf_cstr(out, text);
}

void value_format(const struct setting_info *info, const void *field, bool secrets, struct buf *out)
{
	switch (info->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
		if (**(const char *const *)field == '\0')
			break;
		buf_char(out, ' ');
		format_one(out, info, *(const char *const *)field, secrets);
		break;
	case SETTING_LIST:
	case SETTING_LINES:
	case SETTING_PATTERNS:
		format_list(info, field, secrets, out);
		break;
	case SETTING_BOOL:
		buf_cstr(out, *(const bool *)field ? " yes" : " no");
		break;
	case SETTING_SIZE:
		format_units(out, *(const setting_SIZE *)field, false);
		break;
	case SETTING_DURATION:
		format_units(out, (uint64_t) * (const setting_DURATION *)field, true);
		break;
	case SETTING_COUNT:
		buf_printf(out, " %" PRIu64, *(const setting_COUNT *)field);
		break;
	case SETTING_MODE:
		buf_printf(out, " %04o", *(const setting_MODE *)field);
		break;
	case SETTING_RATE:
		format_rate(out, *(const setting_RATE *)field);
		break;
	case SETTING_ENUM:
		buf_printf(out, " %s", info->words[*(const setting_ENUM *)field]);
		break;
	}
}

static bool list_eq(const struct str_list *a, const struct str_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

bool value_eq(const struct setting_info *info, const void *a, const void *b)
{
	switch (info->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
		return strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
	case SETTING_LIST:
	case SETTING_LINES:
	case SETTING_PATTERNS:
		return list_eq(a, b);
	case SETTING_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case SETTING_MODE:
		return *(const setting_MODE *)a == *(const setting_MODE *)b;
	case SETTING_RATE:
		return memcmp(a, b, sizeof(setting_RATE)) == 0;
	case SETTING_ENUM:
		return *(const setting_ENUM *)a == *(const setting_ENUM *)b;
	default:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	}
}
