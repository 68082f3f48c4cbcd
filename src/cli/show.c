#include "cli/show.h"

#include <inttypes.h>
#include <time.h>

const char *show_size(char out[SHOW_BYTES], uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)bytes / 1024;
	size_t u = 0;

	if (bytes < 1000) {
		(void)snprintf(out, SHOW_BYTES, "%" PRIu64 " B", bytes);
		return out;
	}
	for (; v >= 999.95 && u + 1 < sizeof units / sizeof units[0]; u++)
		v /= 1024;
	(void)snprintf(out, SHOW_BYTES, v < 99.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
	return out;
}

const char *show_span(char out[SHOW_BYTES], int64_t seconds)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		(void)snprintf(out, SHOW_BYTES, "%" PRId64 " s", seconds);
	else if (seconds < 7200)
		(void)snprintf(out, SHOW_BYTES, "%" PRId64 " min", seconds / 60);
	else if (seconds < 172800)
		(void)snprintf(out, SHOW_BYTES, "%" PRId64 " h %" PRId64 " min", seconds / 3600,
			seconds % 3600 / 60);
	else
		(void)snprintf(out, SHOW_BYTES, "%" PRId64 " d %" PRId64 " h", seconds / 86400,
			seconds % 86400 / 3600);
	return out;
}

const char *show_time(char out[SHOW_BYTES], int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
		strftime(out, SHOW_BYTES, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(out, SHOW_BYTES, "%" PRId64 " ms", wall_ms);
	return out;
}

const char *show_envelopes(char out[SHOW_BYTES], int64_t n)
{
	(void)snprintf(out, SHOW_BYTES, "%" PRId64 " envelope%s", n, n == 1 ? "" : "s");
	return out;
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

void show_text(FILE *to, struct str s)
{
	bool is_text = str_is_utf8(s);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		/* U+0080 to U+009F are control characters as well. */
		bool is_c1 = c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;

		if (is_c1)
			i++;
		(void)fputc(is_control(c) || is_c1 || (c >= 0x80 && !is_text) ? '?' : c, to);
	}
}

void show_lines(FILE *to, struct str s)
{
	bool is_text = str_is_utf8(s);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool is_c1 = c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;

		bool is_plain = c == '\n' || c == '\t' ||
				!(is_control(c) || is_c1 || (c >= 0x80 && !is_text));

		if (is_plain)
			(void)fputc(c, to);
		else
			(void)fprintf(to, "\\x%02x", c);
		if (is_c1)
			(void)fprintf(to, "\\x%02x", (unsigned char)s.p[++i]);
	}
}

const char *show_get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

int64_t show_get_int(const json_t *object, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(object, key));
}
