/* support.h - what the tests of settings share. */
#ifndef TEST_CONFIG_SUPPORT_H
#define TEST_CONFIG_SUPPORT_H

#include "config/settings.h"

/* Every text is loaded as "t.conf" with --dev unless a test says otherwise. */
static const struct settings_source dev_source = {"t.conf", NULL, true};

/* The settings of a text that must load. */
static inline struct settings *load_good(const char *text, const struct settings_source *from)
{
	struct settings *s = NULL;
	struct err err = {0};

	if (settings_parse_text(&s, str_of(text), from, &err) != E_OK)
		fail_msg("%s", err.text);
	return s;
}

/* The sentence about a text that must not load. */
static inline const char *load_bad(
	struct str text, const struct settings_source *from, struct err *err)
{
	struct settings *s = NULL;
	int rc = settings_parse_text(&s, text, from, err);

	if (rc == E_OK) {
		settings_unref(s);
		fail_msg("was accepted: %.*s", STR_ARG(text));
	}
	assert_null(s);
	assert_int_equal(rc, err->code);
	return err->text;
}

#endif
