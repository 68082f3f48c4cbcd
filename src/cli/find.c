#include "cli/find.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 100000u
#define DEPTH_MAX 32u

struct finding {
	struct found_files *to;
	const char *suffix;
	unsigned depth;
	struct err *err;
};

static int add(struct finding *f, const char *path)
{
	struct found_files *to = f->to;

	if (to->n >= FILES_MAX)
		return err_set(f->err, E_TOOBIG, "%s: more than %u files", path, FILES_MAX);
	if (to->n == to->cap) {
		size_t cap = to->cap > 0 ? to->cap * 2 : 64;
		const char **v = arena_calloc(to->arena, cap, sizeof *v);

		if (v == NULL)
			return err_set(f->err, E_NOMEM, "no memory for names of files");
		if (to->n > 0)
			memcpy(v, to->v, to->n * sizeof *v);
		to->v = v;
		to->cap = cap;
	}
	to->v[to->n++] = path;
	return E_OK;
}

static int is_shown(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int in_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk(struct finding *f, const char *path);

/* What a directory lists: directories, and files with the suffix. */
static int visit(struct finding *f, const char *folder, const char *name)
{
	struct str full = arena_printf(f->to->arena, "%s/%s", folder, name);
	struct stat st;

	if (full.p == NULL)
		return err_set(f->err, E_NOMEM, "no memory for names of files");
	if (stat(full.p, &st) != 0) /* a link to nothing, or gone meanwhile */
		return E_OK;
	if (S_ISDIR(st.st_mode))
		return walk(f, full.p);
	return str_ends(full, str_of(f->suffix)) ? add(f, full.p) : E_OK;
}

static int walk(struct finding *f, const char *path)
{
	struct dirent **names;
	int rc = E_OK, n;

	/* Also where links go round in circles. */
	if (f->depth >= DEPTH_MAX)
		return err_set(f->err, E_TOOBIG, "%s: deeper than %u directories", path, DEPTH_MAX);
	n = scandir(path, &names, is_shown, in_order);
	if (n < 0)
		return err_set(f->err, err_from_errno(errno), "%s: %s", path, strerror(errno));
	f->depth++;
	for (int i = 0; i < n; i++) {
		if (rc == E_OK)
			rc = visit(f, path, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	f->depth--;
	return rc;
}

int find_files(const char *path, const char *suffix, struct found_files *ret, struct err *err)
{
	struct finding f = {.to = ret, .suffix = suffix, .err = err};
	struct stat st;

	if (stat(path, &st) != 0)
		return err_set(err, err_from_errno(errno), "%s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? walk(&f, path) : add(&f, path);
}

int find_operand(struct cli *c, const char *path, const char *suffix, struct found_files *ret)
{
	struct err err = {E_OK, ""};
	size_t before = ret->n;

	if (find_files(path, suffix, ret, &err) != E_OK)
		return cli_fail(c, err.code == E_NOTFOUND ? EX_NOINPUT : cli_exit_code(err.code),
			"%s", err.text);
	if (ret->n == before)
		return cli_fail(c, EX_NOINPUT, "%s: there is no file *%s in it", path, suffix);
	return EX_OK;
}
