#include "base/check.h"
#include "config/expand.h"
#include "config/loader.h"
#include "config/shape.h"
#include "config/table.h"
#include "config/value.h"

int apply_fail(
	struct loader *l, int rc, const struct place *at, const char *section, struct str key)
{
	return err_wrap(l->err, rc, "%s: %s.%.*s", at->text, section, STR_ARG(key));
}

const struct place *apply_place(const struct loader *l, const char *section, const char *key)
{
	const struct setting_info *info = table_find(str_of(section), str_of(key));
	size_t n;

	check(info != NULL);
	return &l->places[info - settings_table(&n)];
}

int apply_defaults(struct loader *l)
{
	size_t n;
	const struct setting_info *table = settings_table(&n);

	l->places = arena_calloc(l->a, n, sizeof *l->places);
	if (l->places == NULL)
		return err_set(l->err, E_NOMEM, "no memory for the settings");
	for (size_t i = 0; i < n; i++) {
		struct value_text v = {str_of(table[i].def), str_of(table[i].def)};
		int rc = value_parse(&table[i], &v, setting_field(l->s, &table[i]), l->a, l->err);

		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

int apply_setting(
	struct loader *l, const struct setting_info *info, struct str raw, const struct place *at)
{
	void *field = setting_field(l->s, info);
	struct expansion x;
	struct value_text v;
	size_t n;
	int rc;

	rc = expand_value(l->a, l->from->env, raw, &x, l->err);
	if (rc == E_OK) {
		v.text = x.text;
		v.shown = x.is_secret ? raw : x.text;
		/* Header lines may carry a token as well. */
		if (info->type == SETTING_SECRET || info->type == SETTING_LINES)
			v.shown = STR("****");
		rc = value_parse(info, &v, field, l->a, l->err);
	}
	if (rc == E_OK)
		rc = shape_check(info, field, v.shown, l->a, l->err);
	if (rc != E_OK)
		return apply_fail(l, rc, at, info->section, str_of(info->key));
	l->places[info - settings_table(&n)] = *at;
	return E_OK;
}
