#include "endpoint/unpack.h"

#include <stdlib.h>

#include "endpoint/make.h"

/* Input of one step: what it expands to is accounted for, or thrown away, before
 * the next. */
#define KEEP_STEP_BYTES ((size_t)8 * 1024)
#define LOOK_STEP_BYTES ((size_t)256)

/* Takes what out has grown to from the budget. */
static int account(struct endpoint_work *w, const struct buf *out)
{
	if (w->budget == NULL || out->cap <= w->extra_bytes)
		return E_OK;
	if (!budget_take(w->budget, out->cap - w->extra_bytes))
		return err_set(w->err, E_NOMEM, "limits.memory is used up at the moment");
	w->extra_bytes = out->cap;
	return E_OK;
}

static uint64_t left_of(const struct budget *b)
{
	uint64_t limit, used;

	if (b == NULL)
		return UINT64_MAX;
	limit = atomic_load(&b->limit_bytes);
	used = budget_used(b);
	return used < limit ? limit - used : 0;
}

int unpack_body(struct endpoint_work *w, enum encoding e, struct str in, uint64_t max_bytes,
	struct str *ret)
{
	uint64_t left = left_of(w->budget);
	struct decoder *d = NULL;
	struct buf out = BUF_INIT;
	int rc = decoder_new(&d, e, left < max_bytes ? left : max_bytes, w->err);

	while (rc == E_OK && in.n > 0) {
		rc = decoder_feed(d, str_first(in, KEEP_STEP_BYTES), &out, w->err);
		if (rc == E_TOOBIG && left < max_bytes)
			rc = err_set(w->err, E_NOMEM, "limits.memory is used up at the moment");
		if (rc == E_OK)
			rc = account(w, &out);
		in = str_from(in, KEEP_STEP_BYTES);
	}
	if (rc == E_OK)
		rc = decoder_finish(d, w->err);
	decoder_free(d);
	if (rc == E_OK) {
		free(w->env->adopted_body);
		w->env->adopted_body = buf_take(&out, &ret->n);
		ret->p = w->env->adopted_body;
		w->body = *ret;
	}
	buf_fini(&out);
	return rc;
}

static void copy_first(const struct buf *out, char *first, size_t room, size_t *have)
{
	size_t n = out->n < room - *have ? out->n : room - *have;

	if (n > 0)
		memcpy(first + *have, out->p, n);
	*have += n;
}

int unpack_look(struct endpoint_work *w, enum encoding e, struct str in, uint64_t max_bytes,
	char *first, size_t *n)
{
	size_t room = *n;
	struct decoder *d = NULL;
	struct buf out = BUF_INIT;
	int rc = decoder_new(&d, e, max_bytes, w->err);

	*n = 0;
	while (rc == E_OK && in.n > 0) {
		buf_clear(&out);
		rc = decoder_feed(d, str_first(in, LOOK_STEP_BYTES), &out, w->err);
		copy_first(&out, first, room, n);
		in = str_from(in, LOOK_STEP_BYTES);
	}
	if (rc == E_OK)
		rc = decoder_finish(d, w->err);
	decoder_free(d);
	buf_fini(&out);
	return rc;
}
