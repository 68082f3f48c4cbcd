#include "ingest/body.h"

#include <stdlib.h>
#include <string.h>

/* What is taken at first for a body of unknown or large size. */
#define FIRST_BYTES ((size_t)64 * 1024)
/* Reading straight into the body pays off from here on. */
#define ROOM_MIN 4096u

void body_init(struct body *b, struct budget *budget, uint64_t declared, uint64_t max_bytes)
{
	*b = (struct body){.budget = budget,
		.declared = declared,
		.max_bytes = max_bytes,
		.limit = "limits.envelope"};
}

void body_fini(struct body *b)
{
	free(b->p);
	if (b->budget != NULL && b->cap > 0)
		budget_give(b->budget, b->cap);
	b->p = NULL;
	b->n = 0;
	b->cap = 0;
}

static int check_size(const struct body *b, uint64_t n, struct err *err)
{
	if (n > b->max_bytes)
		return err_set(err, E_TOOBIG, "the body is larger than %s (%llu)", b->limit,
			(unsigned long long)b->max_bytes);
	if (b->budget != NULL && n > atomic_load(&b->budget->limit_bytes))
		return err_set(err, E_TOOBIG, "the body does not fit limits.memory (%llu)",
			(unsigned long long)atomic_load(&b->budget->limit_bytes));
	return E_OK;
}

int body_check_declared(const struct body *b, struct err *err)
{
	return check_size(b, b->declared, err);
}

static int grow(struct body *b, size_t cap, struct err *err)
{
	char *p;

	if (b->budget != NULL && !budget_take(b->budget, cap - b->cap))
		return err_set(err, E_NOMEM, "limits.memory is used up at the moment");
	p = realloc(b->p, cap);
	if (p == NULL) {
		if (b->budget != NULL)
			budget_give(b->budget, cap - b->cap);
		return err_set(err, E_NOMEM, "no memory for the body");
	}
	b->p = p;
	b->cap = cap;
	return E_OK;
}

int body_reserve(struct body *b, struct err *err)
{
	int rc = body_check_declared(b, err);

	return rc == E_OK ? grow(b, (size_t)b->declared, err) : rc;
}

/* Doubles, but never beyond the declared length. */
static size_t next_cap(const struct body *b, size_t need)
{
	size_t cap = b->cap < FIRST_BYTES / 2 ? FIRST_BYTES : b->cap * 2;

	if (cap < need)
		cap = need;
	if (b->declared == 0)
		return b->cap == 0 && need < FIRST_BYTES / 4 ? need * 4 : cap;
	return cap > b->declared ? (size_t)b->declared : cap;
}

int body_add(struct body *b, const char *p, size_t n, struct err *err)
{
	int rc = check_size(b, (uint64_t)b->n + n, err);

	if (rc != E_OK || n == 0)
		return rc;
	if (n > b->cap - b->n) {
		rc = grow(b, next_cap(b, b->n + n), err);
		/* Doubling may be what does not fit; the bytes themselves may. */
		if (rc == E_NOMEM)
			rc = grow(b, b->n + n, err);
		if (rc != E_OK)
			return rc;
	}
	if (p != b->p + b->n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return E_OK;
}

char *body_room(struct body *b, size_t *n)
{
	if (b->declared == 0 || b->n == 0)
		return NULL;
	if (b->cap - b->n < ROOM_MIN && b->cap < b->declared &&
		grow(b, next_cap(b, b->n + 1), NULL) != E_OK)
		return NULL;
	if (b->cap - b->n < ROOM_MIN && b->cap < b->declared)
		return NULL;
	*n = b->cap - b->n;
	return *n > 0 ? b->p + b->n : NULL;
}
