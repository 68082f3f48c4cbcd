#include "config/value.h"

#include <stdio.h>

#include "base/number.h"
#include "config/quote.h"
#include "config/suggest.h"

const struct value_unit value_size_units[VALUE_UNITS] = {
	{"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20}, {"K", 1ull << 10}, {"", 1}};
const struct value_unit value_duration_units[VALUE_UNITS] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static int fail(struct err *err, const struct value_text *v, const char *what, const char *try)
{
	char q[QUOTE_BYTES];

	return err_set(err, E_INVAL, "%s %s (try %s)", quote(q, v->shown), what, try);
}

static bool to_units(struct str s, const struct value_unit *units, uint64_t *ret)
{
	size_t digits = 0;
	uint64_t v;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	for (size_t i = 0; i < VALUE_UNITS; i++) {
		if (!str_ieq(str_from(s, digits), str_of(units[i].name)))
			continue;
		/* Half the range keeps durations in int64_t. */
		if (!str_to_u64(str_first(s, digits), INT64_MAX / units[i].factor, &v))
			return false;
		*ret = v * units[i].factor;
		return true;
	}
	return false;
}

static bool to_octal(struct str s, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 7)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return false;
		v = v * 8 + (uint64_t)(s.p[i] - '0');
	}
	*ret = v;
	return true;
}

/* The number behind a text of one of the four numeric types. */
static bool to_number(enum setting_type type, struct str s, uint64_t *ret)
{
	switch (type) {
	case SETTING_SIZE:
		return to_units(s, value_size_units, ret);
	case SETTING_DURATION:
		if (str_eq(s, STR("0"))) {
			*ret = 0;
			return true;
		}
		return to_units(s, value_duration_units, ret);
	case SETTING_MODE:
		return to_octal(s, ret);
	default:
		return str_to_u64(s, INT64_MAX, ret);
	}
}

static int fail_number(const struct setting_info *info, const struct value_text *v, struct err *err)
{
	char with_unit[32];
	uint64_t n;

	switch (info->type) {
	case SETTING_SIZE:
		return fail(err, v, "is not a size", info->def);
	case SETTING_DURATION:
		if (!str_to_u64(v->text, UINT32_MAX, &n))
			return fail(err, v, "is not a duration", info->def);
		(void)snprintf(with_unit, sizeof with_unit, "%us", (unsigned)n);
		return fail(err, v, "has no unit", with_unit);
	case SETTING_MODE:
		return fail(err, v, "is not an octal file mode", info->def);
	default:
		return fail(err, v, "is not a whole number", info->def);
	}
}

static int parse_number(
	const struct setting_info *info, const struct value_text *v, uint64_t *ret, struct err *err)
{
	char q[QUOTE_BYTES];
	uint64_t bound;

	if (!to_number(info->type, v->text, ret))
		return fail_number(info, v, err);
	if (to_number(info->type, str_of(info->min), &bound) && *ret < bound)
		return err_set(err, E_INVAL, "%s is too small (at least %s)", quote(q, v->shown),
			info->min);
	if (to_number(info->type, str_of(info->max), &bound) && *ret > bound)
		return err_set(err, E_INVAL, "%s is too large (at most %s)", quote(q, v->shown),
			info->max);
	return E_OK;
}

/* min and max of a rate are written in the table, so that they always parse. */
static int parse_rate(
	const struct setting_info *info, const struct value_text *v, double *ret, struct err *err)
{
	char q[QUOTE_BYTES];
	double rate, min = 0, max = 1;

	if (!number_parse(v->text, &rate))
		return fail(err, v, "is not a rate", "0.25");
	(void)number_parse(str_of(info->min), &min);
	(void)number_parse(str_of(info->max), &max);
	if (rate < min || rate > max)
		return err_set(err, E_INVAL, "%s is not a rate (%s to %s)", quote(q, v->shown),
			info->min, info->max);
	*ret = rate;
	return E_OK;
}

static int parse_bool(const struct value_text *v, bool *ret, const char *def, struct err *err)
{
	static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"},
		{"0", "1"}, {"n", "y"}, {"f", "t"}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		for (size_t b = 0; b < 2; b++)
			if (str_ieq(v->text, str_of(words[i][b]))) {
				*ret = b == 1;
				return E_OK;
			}
	return fail(err, v, "is neither yes nor no", def);
}

static int parse_enum(
	const struct setting_info *info, const struct value_text *v, int *ret, struct err *err)
{
	char q[QUOTE_BYTES];
	char all[128] = "";
	struct suggest near;
	size_t n = 0;

	suggest_init(&near, v->text);
	for (int i = 0; info->words[i] != NULL; i++) {
		if (str_ieq(v->text, str_of(info->words[i]))) {
			*ret = i;
			return E_OK;
		}
		suggest_try(&near, info->words[i]);
		if (n < sizeof all)
			n += (size_t)snprintf(
				all + n, sizeof all - n, "%s%s", i > 0 ? ", " : "", info->words[i]);
	}
	if (near.best != NULL)
		return err_set(err, E_INVAL, "%s is not one of %s (did you mean %s?)",
			quote(q, v->shown), all, near.best);
	return err_set(
		err, E_INVAL, "%s is not one of %s (try %s)", quote(q, v->shown), all, info->def);
}

static int parse_text(const struct value_text *v, const char **ret, struct err *err)
{
	char q[QUOTE_BYTES];

	if (str_find_char(v->text, '\n') < v->text.n || str_find_char(v->text, '\r') < v->text.n)
		return err_set(err, E_INVAL,
			"%s goes over several lines (an indented line continues the value above "
			"it)",
			quote(q, v->shown));
	*ret = v->text.p;
	return E_OK;
}

/* Takes the next word or line off *rest; an empty piece is no element. */
static bool next_element(struct str *rest, const char *separators, struct str *piece)
{
	size_t n = 0;

	while (rest->n > 0 && strchr(separators, rest->p[0]) != NULL)
		*rest = str_from(*rest, 1);
	while (n < rest->n && strchr(separators, rest->p[n]) == NULL)
		n++;
	*piece = str_trim(str_first(*rest, n));
	*rest = str_from(*rest, n);
	return n > 0;
}

static int parse_list(
	struct str text, const char *separators, struct str_list *ret, struct arena *a)
{
	struct str rest = text;
	struct str piece;
	size_t n = 0;

	while (next_element(&rest, separators, &piece))
		if (piece.n > 0)
			n++;
	ret->n = 0;
	ret->v = arena_calloc(a, n + 1, sizeof *ret->v);
	if (ret->v == NULL)
		return E_NOMEM;
	rest = text;
	while (next_element(&rest, separators, &piece)) {
		if (piece.n == 0)
			continue;
		ret->v[ret->n] = arena_cstr(a, piece);
		if (ret->v[ret->n] == NULL)
			return E_NOMEM;
		ret->n++;
	}
	return E_OK;
}

/* Expansions may bring in what a line of a file cannot hold. */
static int refuse_control(const struct value_text *v, struct err *err)
{
	char q[QUOTE_BYTES];

	for (size_t i = 0; i < v->text.n; i++) {
		unsigned char c = (unsigned char)v->text.p[i];

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			return err_set(
				err, E_INVAL, "%s holds a control character", quote(q, v->shown));
	}
	return E_OK;
}

int value_parse(const struct setting_info *info, const struct value_text *v, void *field,
	struct arena *a, struct err *err)
{
	uint64_t n = 0;
	int rc = refuse_control(v, err);

	if (rc != E_OK)
		return rc;
	switch (info->type) {
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_SECRET:
		return parse_text(v, field, err);
	case SETTING_LIST:
		rc = parse_list(v->text, " \t\r\n,", field, a);
		return rc == E_OK ? rc : err_set(err, rc, "no memory");
	case SETTING_LINES:
	case SETTING_PATTERNS:
		rc = parse_list(v->text, "\r\n", field, a);
		return rc == E_OK ? rc : err_set(err, rc, "no memory");
	case SETTING_BOOL:
		return parse_bool(v, field, info->def, err);
	case SETTING_RATE:
		return parse_rate(info, v, field, err);
	case SETTING_ENUM:
		return parse_enum(info, v, field, err);
	default:
		rc = parse_number(info, v, &n, err);
		break;
	}
	if (rc != E_OK)
		return rc;
	if (info->type == SETTING_MODE)
		*(setting_MODE *)field = (setting_MODE)n;
	else if (info->type == SETTING_DURATION)
		*(setting_DURATION *)field = (setting_DURATION)n;
	else
		*(uint64_t *)field = n;
	return E_OK;
}
