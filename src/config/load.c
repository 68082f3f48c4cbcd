/* Reading settings.
 *
 *   load_files   the main file, then conf.d/ in order of name
 *   on_section   a [section] line: is there such a section?
 *   on_pair      a key: apply it (a later file wins over an earlier one)
 *   load_env     PICKET_<SECTION>_<KEY>, then SENTRY_DSN where nothing is set
 *   finish       projects, then what keys must be together
 */
#include <stdlib.h>

#include "base/file.h"
#include "config/environment.h"
#include "config/files.h"
#include "config/inifile.h"
#include "config/loader.h"
#include "config/named.h"
#include "config/owned.h"
#include "config/quote.h"
#include "config/table.h"

#define CONFIG_DIR     "/etc/picket"
#define FILE_MAX_BYTES ((size_t)1024 * 1024)

static int no_memory(struct loader *l)
{
	return err_set(l->err, E_NOMEM, "no memory for the settings");
}

static int place_at(struct loader *l, unsigned line, struct place *ret)
{
	ret->text = arena_printf(l->a, "%s:%u", l->file, line).p;
	ret->file = l->file_number;
	return ret->text != NULL ? E_OK : no_memory(l);
}

static int unknown_section(struct loader *l, struct str section, const struct place *at)
{
	const char *near = table_near_section(section);

	if (near != NULL)
		return err_set(l->err, E_INVAL, "%s: [%.*s]: unknown section (did you mean [%s]?)",
			at->text, STR_ARG(section), near);
	return err_set(l->err, E_INVAL,
		"%s: [%.*s]: unknown section (picket.conf(5) lists the sections)", at->text,
		STR_ARG(section));
}

static int on_section(void *arg, struct str section, unsigned line)
{
	struct loader *l = arg;
	struct place at;
	bool taken = false;
	int rc = place_at(l, line, &at);

	l->in = NULL;
	l->section = NULL;
	l->in_pairs = pairs_section(section, &l->pairs_kind);
	if (rc == E_OK && !l->in_pairs)
		rc = named_begin(l, section, &at, &taken);
	if (rc != E_OK || l->in_pairs || taken)
		return rc;
	l->section = table_find_section(section);
	return l->section != NULL ? E_OK : unknown_section(l, section, &at);
}

static int unknown_key(struct loader *l, struct str key, const struct place *at)
{
	const char *near = table_near_key(l->section, key);
	const struct setting_info *elsewhere = table_any_key(key);

	if (elsewhere != NULL)
		return err_set(l->err, E_INVAL,
			"%s: %s.%.*s: unknown key (did you mean %s in [%s]?)", at->text, l->section,
			STR_ARG(key), elsewhere->key, elsewhere->section);
	if (near != NULL)
		return err_set(l->err, E_INVAL, "%s: %s.%.*s: unknown key (did you mean %s?)",
			at->text, l->section, STR_ARG(key), near);
	return err_set(l->err, E_INVAL,
		"%s: %s.%.*s: unknown key (picket.conf(5) lists the keys of [%s])", at->text,
		l->section, STR_ARG(key), l->section);
}

static int on_pair(void *arg, struct str key, struct str value, unsigned line)
{
	struct loader *l = arg;
	const struct setting_info *info;
	const struct place *first;
	struct place at;
	int rc = place_at(l, line, &at);

	if (rc != E_OK)
		return rc;
	if (l->in != NULL)
		return named_set(l, key, value, &at);
	if (l->in_pairs)
		return pairs_set(l, key, value, &at);
	info = table_find(str_of(l->section), key);
	if (info == NULL)
		return unknown_key(l, key, &at);
	first = apply_place(l, info->section, info->key);
	if (first->text != NULL && first->file == l->file_number)
		return err_set(l->err, E_INVAL, "%s: %s.%s: is set twice, first at %s (remove one)",
			at.text, info->section, info->key, first->text);
	return apply_setting(l, info, value, &at);
}

static void on_lines(void *arg, const struct setting_line *v, size_t n)
{
	struct loader *l = arg;

	l->lines = v;
	l->lines_n = n;
}

static int load_one_text(struct loader *l, const char *file, struct str text)
{
	struct ini_events events = {on_section, on_pair, on_lines, l};

	l->file = file;
	l->file_number++;
	l->section = NULL;
	l->in = NULL;
	l->in_pairs = false;
	if (text.n > FILE_MAX_BYTES)
		return err_set(l->err, E_TOOBIG, "%s: is larger than %zu KiB", file,
			FILE_MAX_BYTES / 1024);
	return ini_text_parse(file, text, &events, l->err);
}

static int load_one_file(struct loader *l, const char *path, bool is_optional)
{
	struct buf text = BUF_INIT;
	int rc = file_read_soon(path, FILE_MAX_BYTES, &text, l->err);

	if (rc == E_NOTFOUND && is_optional)
		rc = E_OK;
	else if (rc == E_OK)
		rc = load_one_text(l, path, buf_view(&text));
	buf_fini(&text);
	return rc;
}

static int load_files(struct loader *l, const char *dir)
{
	struct str_list more;
	struct str main_file;
	int rc;

	if (l->from->file != NULL)
		return load_one_file(l, l->from->file, false);
	main_file = arena_printf(l->a, "%s/picket.conf", dir);
	if (main_file.p == NULL)
		return no_memory(l);
	rc = load_one_file(l, main_file.p, true);
	if (rc == E_OK)
		rc = files_of_conf_d(dir, l->a, &more, l->err);
	for (size_t i = 0; rc == E_OK && i < more.n; i++)
		rc = load_one_file(l, more.v[i], false);
	return rc;
}

static int start(struct loader *l, struct owned **ret, const struct settings_source *from,
	size_t limit_bytes, struct err *err)
{
	struct owned *o = owned_new(limit_bytes);

	if (o == NULL) {
		(void)err_set(err, E_NOMEM, "no memory for the settings");
		return E_NOMEM;
	}
	*ret = o;
	*l = (struct loader){.a = o->a, .s = &o->settings, .from = from, .err = err};
	return apply_defaults(l);
}

static int finish(struct loader *l, struct owned *o)
{
	int rc = load_env(l);

	o->places = l->places;
	if (rc == E_OK)
		rc = named_finish(l);
	if (rc == E_OK)
		rc = pairs_finish(l);
	return rc != E_OK ? rc : cross_check(l);
}

int load_text(struct settings **ret, const char *file, struct str text,
	const struct settings_source *from, size_t limit_bytes, struct err *err)
{
	struct owned *o = NULL;
	struct loader l;
	int rc = start(&l, &o, from, limit_bytes, err);

	if (rc == E_OK)
		rc = load_one_text(&l, file, text);
	if (rc == E_OK)
		rc = finish(&l, o);
	if (rc == E_OK)
		*ret = &o->settings;
	else
		owned_free(o);
	return rc;
}

int load_from(
	struct settings **ret, const char *dir, const struct settings_source *from, struct err *err)
{
	struct owned *o = NULL;
	struct loader l;
	int rc = start(&l, &o, from, OWNED_MAX_BYTES, err);

	if (rc == E_OK)
		rc = load_files(&l, dir);
	if (rc == E_OK)
		rc = finish(&l, o);
	if (rc == E_OK)
		*ret = &o->settings;
	else
		owned_free(o);
	return rc;
}

int settings_load(struct settings **ret, const struct settings_source *from, struct err *err)
{
	return load_from(ret, CONFIG_DIR, from, err);
}

int settings_parse_text(
	struct settings **ret, struct str text, const struct settings_source *from, struct err *err)
{
	return load_text(
		ret, from->file != NULL ? from->file : "text", text, from, OWNED_MAX_BYTES, err);
}
