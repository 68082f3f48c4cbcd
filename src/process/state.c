/* What became of recent events, for attachments that come in an envelope of
 * their own: a table of fixed size in which the oldest of a row gives way. */
#include <stdlib.h>
#include <uv.h>

#include "base/siphash.h"
#include "process/judge.h"

#define ROWS   2048u /* a power of two */
#define WAYS   5u    /* 10,240 events, 320 KiB once all are in use */
#define TTL_MS INT64_C(300000)

struct fate {
	struct event_id id;
	int64_t mono_ms; /* 0: unused */
	enum drop_reason why;
};

struct judge_state {
	uv_mutex_t mutex;
	struct siphash_key key; /* clients choose ids: rows are not theirs to choose */
	struct fate *fates;     /* NULL until there is one */
};

int judge_state_new(struct judge_state **ret, struct err *err)
{
	struct judge_state *st = calloc(1, sizeof *st);
	struct event_id random;

	if (st == NULL)
		return err_set(err, E_NOMEM, "no memory");
	if (!event_id_random(&random)) {
		free(st);
		return err_set(err, E_IO, "no random numbers");
	}
	memcpy(&st->key, random.b, sizeof st->key);
	if (uv_mutex_init(&st->mutex) != 0) {
		free(st);
		return err_set(err, E_NOMEM, "no lock");
	}
	*ret = st;
	return E_OK;
}

void judge_state_free(struct judge_state *st)
{
	if (st == NULL)
		return;
	uv_mutex_destroy(&st->mutex);
	free(st->fates);
	free(st);
}

static struct fate *row_of(struct judge_state *st, const struct event_id *id)
{
	uint64_t h = siphash(&st->key, str_make((const char *)id->b, sizeof id->b));

	return &st->fates[(h & (ROWS - 1)) * WAYS];
}

bool state_recall(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason *why)
{
	bool found = false;

	uv_mutex_lock(&st->mutex);
	if (st->fates != NULL) {
		const struct fate *row = row_of(st, id);

		for (unsigned i = 0; i < WAYS && !found; i++) {
			found = row[i].mono_ms != 0 && event_id_eq(&row[i].id, id) &&
				mono_ms - row[i].mono_ms < TTL_MS;
			if (found)
				*why = row[i].why;
		}
	}
	uv_mutex_unlock(&st->mutex);
	return found;
}

/* The place of the id itself, else the oldest of its row. */
static struct fate *place_of(struct fate *row, const struct event_id *id)
{
	struct fate *oldest = row;

	for (unsigned i = 0; i < WAYS; i++) {
		if (row[i].mono_ms != 0 && event_id_eq(&row[i].id, id))
			return &row[i];
		if (row[i].mono_ms < oldest->mono_ms)
			oldest = &row[i];
	}
	return oldest;
}

void state_remember(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason why)
{
	uv_mutex_lock(&st->mutex);
	if (st->fates == NULL)
		st->fates = calloc((size_t)ROWS * WAYS, sizeof *st->fates);
	if (st->fates != NULL) /* without memory late attachments go their own way */
		*place_of(row_of(st, id), id) = (struct fate){*id, mono_ms > 0 ? mono_ms : 1, why};
	uv_mutex_unlock(&st->mutex);
}
