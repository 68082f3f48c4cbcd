/* Any text is either refused with a sentence that names the file, or loads,
 * and then its dump loads to the same settings again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "config/loader.h"

#define X10  "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

static const char *const env[] = {"A=one two\nthree", "SEMI=a ;b ${c} #d", "LONG=/" X100 X100,
	"LONGHEADER=X-Long: " X100 X100, "DSN=https://key@host.example/1", "EMPTY=", NULL};

static void dump(const struct settings *s, struct buf *out)
{
	settings_dump(s, true, out);
	check(buf_ok(out));
}

static void check_dump(const struct settings *s)
{
	struct settings_source from = {"dump.conf", NULL, true};
	struct settings *again = NULL;
	struct buf first = BUF_INIT;
	struct buf second = BUF_INIT;
	struct err err = {0};
	int rc;

	dump(s, &first);
	rc = settings_parse_text(&again, buf_view(&first), &from, &err);
	if (rc == E_OK) {
		dump(again, &second);
		check(str_eq(buf_view(&first), buf_view(&second)));
	} else {
		/* Values from outside may be longer than a line. */
		check(strstr(err.text, "the line is longer than") != NULL);
	}
	settings_unref(again);
	buf_fini(&first);
	buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings_source from = {"fuzz.conf", env, true};
	struct str text = str_make((const char *)data, size);
	struct settings *s = NULL;
	struct err err = {0};

	/* Files of this machine are not part of the input. */
	if (str_find(text, STR("file:")) < text.n)
		return 0;
	if (load_text(&s, "fuzz.conf", text, &from, 1024 * 1024, &err) == E_OK)
		check_dump(s);
	else
		check(err.text[0] != '\0');
	settings_unref(s);
	return 0;
}
