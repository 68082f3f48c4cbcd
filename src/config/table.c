#include "config/table.h"

#include "config/suggest.h"

#define WORDS_OF(section, key, ...)                                                                \
	static const char *const words_##section##_##key[] = {__VA_ARGS__, NULL};
SETTINGS_WORDS(WORDS_OF)

/* Only an ENUM row has words. */
#define WORDS_TEXT(section, key)     NULL
#define WORDS_PATH(section, key)     NULL
#define WORDS_SECRET(section, key)   NULL
#define WORDS_LIST(section, key)     NULL
#define WORDS_LINES(section, key)    NULL
#define WORDS_PATTERNS(section, key) NULL
#define WORDS_BOOL(section, key)     NULL
#define WORDS_SIZE(section, key)     NULL
#define WORDS_COUNT(section, key)    NULL
#define WORDS_DURATION(section, key) NULL
#define WORDS_MODE(section, key)     NULL
#define WORDS_RATE(section, key)     NULL
#define WORDS_ENUM(section, key)     words_##section##_##key

#define YES true
#define NO  false
#define ROW(section, key, type, def, min, max, reload, help)                                       \
	{#section, #key, def, min, max, help, SETTING_##type, reload,                              \
		offsetof(struct settings, section.key), WORDS_##type(section, key)},

static const struct setting_info rows[] = {SETTINGS_ALL(ROW)};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

const struct setting_info *settings_table(size_t *n)
{
	*n = ROW_COUNT;
	return rows;
}

const struct setting_info *table_find(struct str section, struct str key)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (str_eq(section, str_of(rows[i].section)) && str_eq(key, str_of(rows[i].key)))
			return &rows[i];
	return NULL;
}

const char *table_section(size_t i)
{
	for (size_t r = 0; r < ROW_COUNT; r++) {
		bool first = r == 0 || strcmp(rows[r].section, rows[r - 1].section) != 0;

		if (first && i-- == 0)
			return rows[r].section;
	}
	return NULL;
}

const char *table_find_section(struct str section)
{
	const char *s;

	for (size_t i = 0; (s = table_section(i)) != NULL; i++)
		if (str_eq(section, str_of(s)))
			return s;
	return NULL;
}

const char *table_near_section(struct str section)
{
	struct suggest near;
	const char *s;

	suggest_init(&near, section);
	for (size_t i = 0; (s = table_section(i)) != NULL; i++)
		suggest_try(&near, s);
	suggest_try(&near, "sample");
	suggest_try(&near, "tags");
	suggest_try(&near, "class_set");
	return near.best;
}

const char *table_near_key(const char *section, struct str key)
{
	struct suggest near;

	suggest_init(&near, key);
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].section, section) == 0)
			suggest_try(&near, rows[i].key);
	return near.best;
}

const struct setting_info *table_any_key(struct str key)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (str_eq(key, str_of(rows[i].key)))
			return &rows[i];
	return NULL;
}
