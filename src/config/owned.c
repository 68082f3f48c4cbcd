#include "config/owned.h"

#include "base/check.h"
#include "config/table.h"

#define FIRST_BYTES 16384u

struct owned *owned_new(size_t limit_bytes)
{
	struct arena *a = arena_new(FIRST_BYTES, limit_bytes);
	struct owned *o = a != NULL ? arena_calloc(a, 1, sizeof *o) : NULL;

	if (o == NULL) {
		arena_free(a);
		return NULL;
	}
	o->a = a;
	atomic_init(&o->refs, 1);
	return o;
}

void owned_free(struct owned *o)
{
	if (o == NULL)
		return;
	if (o->free_made != NULL)
		o->free_made(o->made);
	arena_free(o->a);
}

struct settings *settings_ref(struct settings *s)
{
	struct owned *o = (struct owned *)s;

	check(atomic_fetch_add(&o->refs, 1) > 0);
	return s;
}

void settings_unref(struct settings *s)
{
	struct owned *o = (struct owned *)s;

	if (o != NULL && atomic_fetch_sub(&o->refs, 1) == 1)
		owned_free(o);
}

const char *settings_where(const struct settings *s, const char *section, const char *key)
{
	const struct owned *o = (const struct owned *)s;
	const struct setting_info *info = table_find(str_of(section), str_of(key));
	size_t n;

	check(info != NULL);
	return o->places[info - settings_table(&n)].text;
}

void settings_attach(struct settings *s, void *made, void (*free_made)(void *made))
{
	struct owned *o = (struct owned *)s;

	check(o->made == NULL);
	o->made = made;
	o->free_made = free_made;
}

const void *settings_attached(const struct settings *s)
{
	return ((const struct owned *)s)->made;
}
