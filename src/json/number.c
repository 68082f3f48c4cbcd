/* Numbers: their text is kept; a value is made only when asked for. */
#include <stdio.h>
#include <stdlib.h>

#include "json/doc.h"
#include "json/scan.h"

/* A double is decided by at most 768 significant digits; one more that is not
 * zero stands for all that follow. */
#define DIGITS_MAX 769u
/* Far beyond the range of a double, far below overflow. */
#define EXPONENT_MAX INT64_C(1000000000000)

static const struct node *number_at(const struct json_doc *d, json_node n)
{
	const struct node *e = node_live(d, n);

	return e != NULL && node_type(e) == JSON_TYPE_NUMBER ? e : NULL;
}

bool json_int(const struct json_doc *d, json_node n, int64_t *ret)
{
	const struct node *e = number_at(d, n);
	const byte *p, *end;
	uint64_t value = 0, max = INT64_MAX;
	bool negative;

	if (e == NULL)
		return false;
	p = (const byte *)doc_text(d, e->start);
	end = p + (e->end - e->start);
	negative = *p == '-';
	if (negative) {
		p++;
		max++;
	}
	for (; p < end; p++) {
		unsigned digit = (unsigned)*p - '0';

		if (digit > 9 || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = negative ? (value == max ? INT64_MIN : -(int64_t)value) : (int64_t)value;
	return true;
}

bool json_bool(const struct json_doc *d, json_node n, bool fallback)
{
	const struct node *e = node_live(d, n);

	if (e == NULL || node_type(e) != JSON_TYPE_BOOL)
		return fallback;
	return *doc_text(d, e->start) == 't';
}

/* A number as digits * 10^exponent. */
struct decimal {
	char digits[DIGITS_MAX + 32]; /* and room for the exponent's text */
	size_t n;
	int64_t exponent;
};

static void decimal_digit(struct decimal *v, byte c, bool fraction)
{
	if (v->n == 0 && c == '0') { /* leading zeros say nothing */
		v->exponent -= fraction;
		return;
	}
	if (v->n == DIGITS_MAX) {
		if (c != '0')
			v->digits[DIGITS_MAX - 1] = '1';
		v->exponent += !fraction;
		return;
	}
	v->digits[v->n++] = (char)c;
	v->exponent -= fraction;
}

static int64_t read_exponent(const byte *p, const byte *end)
{
	bool negative = *p == '-';
	int64_t value = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; p < end && value < EXPONENT_MAX; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

bool json_double(const struct json_doc *d, json_node n, double *ret)
{
	const struct node *e = number_at(d, n);
	struct decimal v;
	const byte *p, *end;
	bool fraction = false;
	double value;

	if (e == NULL)
		return false;
	v.n = 0;
	v.exponent = 0;
	p = (const byte *)doc_text(d, e->start);
	end = p + (e->end - e->start);
	for (; p < end; p++) {
		if (is_digit(*p))
			decimal_digit(&v, *p, fraction);
		else if (*p == '.')
			fraction = true;
		else if (*p != '-')
			break;
	}
	if (p < end)
		v.exponent += read_exponent(p + 1, end);
	if (v.n == 0)
		v.digits[v.n++] = '0';
	/* Digits and exponent only: a decimal point would mean something else in
	 * the locale of a process that libpicket is a guest of. */
	(void)snprintf(v.digits + v.n, sizeof v.digits - v.n, "e%lld", (long long)v.exponent);
	value = strtod(v.digits, NULL);
	*ret = *doc_text(d, e->start) == '-' ? -value : value;
	return true;
}
