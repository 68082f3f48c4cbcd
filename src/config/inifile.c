/* One INI text, line by line.
 *
 *   ini_text_parse    hands the text to inih through reader() and handler()
 *   reader            inih wants a line: look at it first, note what it is
 *   handler           inih says what it read: compare
 *   flush             the value is complete: tell the caller
 *
 * inih calls the handler for a line before it asks for the next one, so the
 * reader's line number is the handler's.
 */
#include "config/inifile.h"

#include <ini.h>

#include "base/buf.h"
#include "base/check.h"

/* INI_MAX_LINE is the size of inih's buffer, which reader() is told; names and
 * sections have buffers of 50 bytes in every release so far. */
#define NAME_MAX_BYTES 49u

struct ini_scan {
	const char *file;
	struct str rest;
	unsigned line;
	const struct ini_events *events;
	struct err *err;
	int rc;
	/* Of the line that inih works on. */
	struct str section;
	struct str name;  /* of the value that lines still may continue; empty after a section */
	struct str value; /* what this line adds to it */
	bool is_expected; /* the handler must be called for this line */
	/* The value so far. */
	bool is_pending;
	unsigned pending_line;
	struct buf pending;
	struct buf places; /* struct setting_line of each of its lines */
};

static int line_fail(struct ini_scan *s, const char *reason)
{
	s->rc = err_set(s->err, E_INVAL, "%s:%u: %s", s->file, s->line, reason);
	return s->rc;
}

static int value_fail(struct ini_scan *s, const char *reason)
{
	s->rc = err_set(s->err, E_INVAL, "%s:%u: %.*s.%.*s: %s", s->file, s->line,
		STR_ARG(s->section), STR_ARG(s->name), reason);
	return s->rc;
}

static int flush(struct ini_scan *s)
{
	if (!s->is_pending || s->rc != E_OK)
		return s->rc;
	s->is_pending = false;
	if (!buf_ok(&s->pending) || !buf_ok(&s->places)) {
		s->rc = err_set(s->err, E_NOMEM, "%s: no memory", s->file);
		return s->rc;
	}
	if (s->events->lines != NULL)
		s->events->lines(s->events->arg, (const void *)s->places.p,
			s->places.n / sizeof(struct setting_line));
	s->rc = s->events->pair(
		s->events->arg, s->name, str_trim(buf_view(&s->pending)), s->pending_line);
	return s->rc;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Offset of a ';' with a blank before it, which opens a comment, or s.n. */
static size_t find_comment(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] == ';' && is_blank(s.p[i - 1]))
			return i;
	return s.n;
}

/* What no line may hold, wherever it stands. */
static int scan_bytes(struct ini_scan *s, struct str line)
{
	if (!str_is_utf8(line))
		return line_fail(s, "is not UTF-8 text");
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if (c == '\0')
			return line_fail(s, "holds a NUL byte");
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return line_fail(s, "holds a control character");
	}
	return E_OK;
}

/* inih cuts values at " ;" in the first line, newer releases in all lines. */
static int scan_value(struct ini_scan *s, struct str line, struct str text)
{
	struct setting_line at = {s->line, 1};

	if (find_comment(text) < text.n)
		return value_fail(s, "text behind \" ;\" would be lost as a comment (put the "
				     "comment on a line of its own; ${;} is a plain semicolon)");
	s->value = str_trim(text);
	s->is_expected = true;
	if (s->value.n > 0)
		at.column = (unsigned)(s->value.p - line.p) + 1;
	buf_add(&s->places, &at, sizeof at);
	return E_OK;
}

static int scan_section(struct ini_scan *s, struct str line)
{
	size_t end = str_find_char(line, ']');
	struct str after = str_trim(str_from(line, end + 1));

	if (flush(s) != E_OK)
		return s->rc;
	if (end == line.n || find_comment(line) < end)
		return line_fail(s, "the section's name has no ] behind it");
	if (after.n > 0 && after.p[0] != ';' && after.p[0] != '#')
		return line_fail(
			s, "text behind the ] would be lost (put it on a line of its own)");
	s->section = str_make(line.p + 1, end - 1);
	s->name = STR_EMPTY;
	if (s->section.n > NAME_MAX_BYTES)
		return line_fail(s, "the section's name is longer than 49 bytes (shorten it)");
	s->rc = s->events->section(s->events->arg, str_trim(s->section), s->line);
	return s->rc;
}

static int scan_pair(struct ini_scan *s, struct str whole, struct str line)
{
	size_t end = 0;

	if (flush(s) != E_OK)
		return s->rc;
	while (end < line.n && line.p[end] != '=' && line.p[end] != ':')
		end++;
	if (end == line.n || find_comment(line) < end)
		return line_fail(s, "is no \"key = value\", no [section] and no comment (an "
				    "indented line continues the value above it)");
	s->name = str_trim(str_first(line, end));
	if (s->name.n == 0)
		return line_fail(s, "has no key in front of the value");
	if (s->name.n > NAME_MAX_BYTES) {
		s->name = STR_EMPTY;
		return line_fail(s, "the key is longer than 49 bytes");
	}
	if (s->section.p == NULL) {
		s->rc = err_set(s->err, E_INVAL,
			"%s:%u: %.*s: stands in no section (put it under a [section] line)",
			s->file, s->line, STR_ARG(s->name));
		return s->rc;
	}
	s->is_pending = true;
	s->pending_line = s->line;
	buf_clear(&s->pending);
	buf_clear(&s->places);
	if (scan_value(s, whole, str_from(line, end + 1)) != E_OK)
		return s->rc;
	buf_str(&s->pending, s->value);
	return E_OK;
}

static int scan_continuation(struct ini_scan *s, struct str whole, struct str text)
{
	if (scan_value(s, whole, text) != E_OK)
		return s->rc;
	buf_char(&s->pending, '\n');
	buf_str(&s->pending, s->value);
	return E_OK;
}

static int scan_line(struct ini_scan *s, struct str line, size_t room)
{
	struct str text = str_trim(line);

	s->is_expected = false;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (scan_bytes(s, line) != E_OK)
		return s->rc;
	if (line.n > room) {
		s->rc = err_set(s->err, E_INVAL,
			"%s:%u: the line is longer than %zu bytes (continue a list on indented "
			"lines, or put the value in a file and write ${file:/path})",
			s->file, s->line, room);
		return s->rc;
	}
	if (text.n == 0 || text.p[0] == ';' || text.p[0] == '#')
		return E_OK;
	if (s->name.n > 0 && is_blank(line.p[0]))
		return scan_continuation(s, line, text);
	return text.p[0] == '[' ? scan_section(s, text) : scan_pair(s, line, text);
}

/* fgets for inih. NULL ends the reading, also at the first error. */
static char *reader(char *out, int size, void *stream)
{
	struct ini_scan *s = stream;
	struct str line;

	if (s->rc == E_OK && s->is_expected)
		(void)line_fail(s, "the INI library did not read this line");
	if (s->rc != E_OK || s->rest.n == 0)
		return NULL;
	check(size > 3);
	s->line++;
	line = str_first(s->rest, str_find_char(s->rest, '\n'));
	s->rest = str_from(s->rest, line.n + 1);
	/* Besides the line: \r, \n and NUL. */
	if (scan_line(s, line, (size_t)size - 3) != E_OK)
		return NULL;
	memcpy(out, line.p, line.n);
	out[line.n] = '\n';
	out[line.n + 1] = '\0';
	return out;
}

/* Any difference between what stood there and what inih read is refused. */
static int handler(void *user, const char *section, const char *name, const char *value)
{
	struct ini_scan *s = user;

	if (s->rc != E_OK)
		return 0;
	if (!s->is_expected || value == NULL || !str_eq(str_of(section), s->section) ||
		!str_eq(str_of(name), s->name) || !str_eq(str_trim(str_of(value)), s->value)) {
		(void)line_fail(s, "the INI library reads this line differently than it stands");
		return 0;
	}
	s->is_expected = false;
	return 1;
}

int ini_text_parse(
	const char *file, struct str text, const struct ini_events *events, struct err *err)
{
	struct ini_scan s = {.file = file, .rest = text, .events = events, .err = err};
	int rc;

	if (str_starts(text, STR("\xEF\xBB\xBF")))
		s.rest = str_from(text, 3);
	rc = ini_parse_stream(reader, &s, handler, &s);
	if (s.rc == E_OK && rc == -2)
		s.rc = err_set(err, E_NOMEM, "%s: no memory", file);
	else if (s.rc == E_OK && rc != 0)
		s.rc = err_set(
			err, E_INVAL, "%s:%d: the INI library cannot read this line", file, rc);
	else
		(void)flush(&s);
	buf_fini(&s.pending);
	buf_fini(&s.places);
	return s.rc;
}
