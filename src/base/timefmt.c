#include "base/timefmt.h"

#include <stdio.h>

#define US_PER_SECOND   1000000u
#define SECONDS_PER_DAY 86400

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, counted
 * in 400-year eras that begin on 1 March. */
static int64_t days_from_date(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	if (month <= 2)
		year--;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t era, day_of_era, year_of_era, day_of_year, month_index;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month_index = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * month_index + 2) / 5 + 1);
	*month = (int)(month_index < 10 ? month_index + 3 : month_index - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

static bool take_number(struct str *s, size_t digits, int low, int high, int *ret)
{
	int v = 0;

	if (s->n < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = str_from(*s, digits);
	*ret = v;
	return v >= low && v <= high;
}

static bool take_char(struct str *s, char a, char b)
{
	if (s->n == 0 || (s->p[0] != a && s->p[0] != b))
		return false;
	*s = str_from(*s, 1);
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

static bool take_date(struct str *s, int64_t *days)
{
	int year, month, day;

	if (!take_number(s, 4, 0, 9999, &year) || !take_char(s, '-', '-') ||
		!take_number(s, 2, 1, 12, &month) || !take_char(s, '-', '-') ||
		!take_number(s, 2, 1, 31, &day) || day > days_in_month(year, month))
		return false;
	*days = days_from_date(year, month, day);
	return true;
}

static bool take_fraction(struct str *s, int *us)
{
	int scale = US_PER_SECOND / 10;
	size_t digits = 0;

	*us = 0;
	if (!take_char(s, '.', '.'))
		return true;
	while (s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9') {
		*us += (s->p[0] - '0') * scale;
		scale /= 10;
		digits++;
		*s = str_from(*s, 1);
	}
	return digits > 0;
}

static bool take_offset(struct str *s, int *offset_s)
{
	int hours, minutes, sign;

	*offset_s = 0;
	if (take_char(s, 'Z', 'z'))
		return true;
	if (s->n == 0 || (s->p[0] != '+' && s->p[0] != '-'))
		return false;
	sign = s->p[0] == '-' ? -1 : 1;
	*s = str_from(*s, 1);
	if (!take_number(s, 2, 0, 23, &hours) || !take_char(s, ':', ':') ||
		!take_number(s, 2, 0, 59, &minutes))
		return false;
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool rfc3339_parse(struct str s, int64_t *wall_us)
{
	int hour, minute, second, us, offset_s;
	int64_t days;

	if (!take_date(&s, &days) || s.n == 0)
		return false;
	if (s.p[0] != 'T' && s.p[0] != 't' && s.p[0] != ' ')
		return false;
	s = str_from(s, 1);
	if (!take_number(&s, 2, 0, 23, &hour) || !take_char(&s, ':', ':') ||
		!take_number(&s, 2, 0, 59, &minute) || !take_char(&s, ':', ':') ||
		!take_number(&s, 2, 0, 60, &second) || !take_fraction(&s, &us) ||
		!take_offset(&s, &offset_s) || s.n != 0)
		return false;
	*wall_us = (days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_s) *
			   US_PER_SECOND +
		   us;
	return true;
}

void rfc3339_format(int64_t wall_us, char out[RFC3339_BYTES])
{
	int64_t seconds = wall_us / US_PER_SECOND;
	int64_t us = wall_us % US_PER_SECOND;
	int64_t days, left;
	int year, month, day;

	if (us < 0) {
		us += US_PER_SECOND;
		seconds--;
	}
	days = seconds / SECONDS_PER_DAY;
	left = seconds % SECONDS_PER_DAY;
	if (left < 0) {
		left += SECONDS_PER_DAY;
		days--;
	}
	date_from_days(days, &year, &month, &day);
	if (year < 0)
		year = 0;
	if (year > 9999)
		year = 9999;
	(void)snprintf(out, RFC3339_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
		(unsigned)year % 10000u, (unsigned)month % 100u, (unsigned)day % 100u,
		(unsigned)(left / 3600) % 100u, (unsigned)(left / 60 % 60) % 100u,
		(unsigned)(left % 60) % 100u, (unsigned)us % US_PER_SECOND);
}
