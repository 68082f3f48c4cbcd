#include "config/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#define FILES_MAX 256u

static int no_memory(struct err *err)
{
	return err_set(err, E_NOMEM, "no memory for the settings");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int collect(DIR *d, const char *path, struct arena *a, struct str_list *ret, struct err *err)
{
	const struct dirent *e;

	for (;;) {
		errno = 0;
		e = readdir(d);
		if (e == NULL && errno != 0)
			return err_set(err, err_from_errno(errno), "%s: %s", path, strerror(errno));
		if (e == NULL)
			return E_OK;
		if (e->d_name[0] == '.' || !str_ends(str_of(e->d_name), STR(".conf")))
			continue;
		if (ret->n == FILES_MAX)
			return err_set(
				err, E_TOOBIG, "%s: holds more than %u files", path, FILES_MAX);
		ret->v[ret->n] = arena_printf(a, "%s/%s", path, e->d_name).p;
		if (ret->v[ret->n] == NULL)
			return no_memory(err);
		ret->n++;
	}
}

int files_of_conf_d(const char *dir, struct arena *a, struct str_list *ret, struct err *err)
{
	struct str path = arena_printf(a, "%s/conf.d", dir);
	DIR *d;
	int rc;

	ret->n = 0;
	ret->v = arena_calloc(a, FILES_MAX, sizeof *ret->v);
	if (path.p == NULL || ret->v == NULL)
		return no_memory(err);
	d = opendir(path.p);
	if (d == NULL && errno == ENOENT)
		return E_OK;
	if (d == NULL)
		return err_set(err, err_from_errno(errno), "%s: %s", path.p, strerror(errno));
	rc = collect(d, path.p, a, ret, err);
	(void)closedir(d);
	if (rc == E_OK)
		qsort(ret->v, ret->n, sizeof *ret->v, by_text);
	return rc;
}
