#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 63u

static size_t digits(const char *p)
{
	size_t n = 0;

	while (p[n] >= '0' && p[n] <= '9')
		n++;
	return n;
}

static bool is_number(const char *p)
{
	size_t n;

	if (*p == '-')
		p++;
	n = digits(p);
	p += n;
	if (n == 0)
		return false;
	if (*p == '.') {
		n = digits(p + 1);
		p += 1 + n;
		if (n == 0)
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		n = digits(p);
		p += n;
		if (n == 0)
			return false;
	}
	return *p == '\0';
}

bool number_parse(struct str s, double *ret)
{
	char text[TEXT_MAX + 1];
	double v;

	if (s.n == 0 || s.n > TEXT_MAX)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (strlen(text) != s.n || !is_number(text))
		return false;
	v = strtod(text, NULL);
	if (!isfinite(v))
		return false;
	*ret = v;
	return true;
}

void number_format(double v, char out[NUMBER_BYTES])
{
	for (int precision = 1; precision <= 17; precision++) {
		(void)snprintf(out, NUMBER_BYTES, "%.*g", precision, v);
		if (strtod(out, NULL) == v)
			return;
	}
}

struct str number_decimal(uint64_t v, char out[NUMBER_DIGITS])
{
	size_t at = NUMBER_DIGITS;

	do {
		out[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return str_make(out + at, NUMBER_DIGITS - at);
}
