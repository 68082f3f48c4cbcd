#include "config/owned.h"

#include "base/check.h"

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
	if (o != NULL)
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
