#include "config/environment.h"

#include "config/expand.h"
#include "config/table.h"

static const struct setting_info *find_upper(const char *section, struct str upper)
{
	size_t n;
	const struct setting_info *table = settings_table(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].section, section) == 0 && str_ieq(upper, str_of(table[i].key)))
			return &table[i];
	return NULL;
}

static int unknown(struct loader *l, const char *section, struct str variable, struct str key)
{
	const char *near = table_near_key(section, key);
	char upper[64];
	size_t n = 0;

	if (near == NULL)
		return err_set(l->err, E_INVAL,
			"%.*s: [%s] has no such key (picket.conf(5) lists the keys of [%s])",
			STR_ARG(variable), section, section);
	for (; near[n] != '\0' && n + 1 < sizeof upper; n++)
		upper[n] = (char)(near[n] >= 'a' && near[n] <= 'z' ? near[n] - 'a' + 'A' : near[n]);
	upper[n] = '\0';
	return err_set(l->err, E_INVAL, "%.*s: [%s] has no such key (did you mean %.*s%s?)",
		STR_ARG(variable), section, (int)(variable.n - key.n), variable.p, upper);
}

/* "SECTION_KEY" in capitals: the part behind SECTION_, or n == 0. */
static struct str key_in(struct str rest, const char *section)
{
	struct str s = str_of(section);

	for (size_t i = 0; i < s.n; i++)
		if (i >= rest.n || rest.p[i] != s.p[i] - 'a' + 'A')
			return STR_EMPTY;
	if (rest.n <= s.n || rest.p[s.n] != '_')
		return STR_EMPTY;
	return str_from(rest, s.n + 1);
}

static int load_variable(struct loader *l, struct str variable, struct str value)
{
	struct str rest = str_from(variable, 7); /* behind PICKET_ */
	const char *section;

	if (key_in(rest, "project").n > 0)
		return err_set(l->err, E_INVAL,
			"%.*s: projects come from files only (write a [project NAME] section, its "
			"dsn may be ${VARIABLE})",
			STR_ARG(variable));
	if (key_in(rest, "rule").n > 0)
		return err_set(l->err, E_INVAL,
			"%.*s: rules come from files only (write a [rule NAME] section)",
			STR_ARG(variable));
	if (key_in(rest, "tags").n > 0 || key_in(rest, "sample").n > 0 ||
		str_istarts(rest, STR("class_set_")))
		return err_set(l->err, E_INVAL,
			"%.*s: [sample], [tags] and [class_set] come from files only (a value "
			"there may be "
			"${VARIABLE})",
			STR_ARG(variable));
	for (size_t i = 0; (section = table_section(i)) != NULL; i++) {
		struct str key = key_in(rest, section);
		const struct setting_info *info = find_upper(section, key);
		struct place at = {NULL, 0};

		if (key.n == 0)
			continue;
		if (info == NULL)
			return unknown(l, section, variable, key);
		at.text = arena_cstr(l->a, variable);
		if (at.text == NULL)
			return err_set(l->err, E_NOMEM, "no memory for the settings");
		return apply_setting(l, info, value, &at);
	}
	return E_OK;
}

/* Both are filled into what has none, as an SDK would. */
static int load_sentry_defaults(struct loader *l)
{
	static const struct {
		const char *variable;
		const char *key;
		struct place place;
	} defaults[] = {{"SENTRY_RELEASE", "release", {"SENTRY_RELEASE", 0}},
		{"SENTRY_ENVIRONMENT", "environment", {"SENTRY_ENVIRONMENT", 0}}};
	int rc = E_OK;

	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0] && rc == E_OK; i++) {
		const char *v = env_get(l->from->env, str_of(defaults[i].variable));
		const struct setting_info *info = table_find(STR("event"), str_of(defaults[i].key));
		const char *const *field = setting_field(l->s, info);

		if (v != NULL && *v != '\0' && **field == '\0')
			rc = apply_setting(l, info, str_of(v), &defaults[i].place);
	}
	return rc;
}

static int load_sentry_dsn(struct loader *l)
{
	static const struct place at = {"SENTRY_DSN", 0};
	const char *dsn = env_get(l->from->env, STR("SENTRY_DSN"));
	const struct setting_info *info = table_find(STR("upstream"), STR("dsn"));

	if (dsn == NULL || *dsn == '\0' || *l->s->upstream.dsn != '\0' ||
		*l->s->upstream.url != '\0')
		return E_OK;
	return apply_setting(l, info, str_of(dsn), &at);
}

int load_env(struct loader *l)
{
	int rc;

	for (const char *const *e = l->from->env; e != NULL && *e != NULL; e++) {
		struct str all = str_of(*e);
		size_t eq = str_find_char(all, '=');

		if (eq == all.n || !str_starts(all, STR("PICKET_")))
			continue;
		rc = load_variable(l, str_first(all, eq), str_from(all, eq + 1));
		if (rc != E_OK)
			return rc;
	}
	rc = load_sentry_defaults(l);
	return rc != E_OK ? rc : load_sentry_dsn(l);
}
