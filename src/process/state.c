/* What is remembered between envelopes: four tables of fixed size, in which the
 * oldest entry of a row gives way.
 *
 *   stored   event id -> when it was stored, for ids that come again
 *   fates    event id -> what became of it, for attachments that come late
 *   lasts    sender -> the error that came last, for dedupe
 *   issues   issue -> how many events this window had, for storms
 *
 * A table takes its memory when it is first needed.
 */
#include <stdlib.h>
#include <uv.h>

#include "base/siphash.h"
#include "process/judge.h"

#define ROWS        2048u /* a power of two */
#define WAYS        5u    /* 10,240 entries, 480 KiB */
#define FATE_TTL_MS INT64_C(300000)

struct slot {
	struct digest key;
	int64_t mono_ms; /* 0: unused */
	uint64_t v[3];
};

struct judge_state {
	uv_mutex_t mutex;
	struct siphash_key keys[2]; /* clients choose ids: rows are not theirs to choose */
	struct slot *fates, *stored, *lasts, *issues;
	struct rules_state *rules;
};

int judge_state_new(struct judge_state **ret, struct err *err)
{
	struct judge_state *st = calloc(1, sizeof *st);
	struct event_id random[2];

	if (st == NULL)
		return err_set(err, E_NOMEM, "no memory");
	if (!event_id_random(&random[0]) || !event_id_random(&random[1])) {
		free(st);
		return err_set(err, E_IO, "no random numbers");
	}
	memcpy(st->keys, random, sizeof st->keys);
	if (uv_mutex_init(&st->mutex) != 0) {
		free(st);
		return err_set(err, E_NOMEM, "no lock");
	}
	if (rules_state_new(&st->rules, 0, err) != E_OK) {
		judge_state_free(st);
		return E_NOMEM;
	}
	*ret = st;
	return E_OK;
}

struct rules_state *state_of_rules(struct judge_state *st)
{
	return st->rules;
}

void judge_state_free(struct judge_state *st)
{
	if (st == NULL)
		return;
	uv_mutex_destroy(&st->mutex);
	rules_state_free(st->rules);
	free(st->fates);
	free(st->stored);
	free(st->lasts);
	free(st->issues);
	free(st);
}

struct digest state_digest(const struct judge_state *st, struct str bytes)
{
	return (struct digest){{siphash(&st->keys[0], bytes), siphash(&st->keys[1], bytes)}};
}

static bool digest_eq(const struct digest *a, const struct digest *b)
{
	return a->v[0] == b->v[0] && a->v[1] == b->v[1];
}

/* The slot of key, or the one that gives way to it with *found false. NULL
 * when the table cannot be had. */
static struct slot *slot_of(struct slot **table, const struct digest *key, bool *found)
{
	struct slot *row, *oldest;

	*found = false;
	if (*table == NULL)
		*table = calloc((size_t)ROWS * WAYS, sizeof **table);
	if (*table == NULL)
		return NULL;
	row = &(*table)[(key->v[0] & (ROWS - 1)) * WAYS];
	oldest = row;
	for (unsigned i = 0; i < WAYS; i++) {
		*found = row[i].mono_ms != 0 && digest_eq(&row[i].key, key);
		if (*found)
			return &row[i];
		if (row[i].mono_ms < oldest->mono_ms)
			oldest = &row[i];
	}
	return oldest;
}

/* 0 means unused. */
static int64_t stamp(int64_t mono_ms)
{
	return mono_ms > 0 ? mono_ms : 1;
}

/* --- late attachments ------------------------------------------------------------ */

static struct digest key_of_id(const struct judge_state *st, const struct event_id *id)
{
	return state_digest(st, str_make((const char *)id->b, sizeof id->b));
}

bool state_recall(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason *why)
{
	struct digest key = key_of_id(st, id);
	bool found = false;

	uv_mutex_lock(&st->mutex);
	if (st->fates != NULL) {
		const struct slot *s = slot_of(&st->fates, &key, &found);

		found = found && mono_ms - s->mono_ms < FATE_TTL_MS;
		if (found)
			*why = (enum drop_reason)s->v[0];
	}
	uv_mutex_unlock(&st->mutex);
	return found;
}

void state_remember(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, enum drop_reason why)
{
	struct digest key = key_of_id(st, id);
	struct slot *s;
	bool found;

	uv_mutex_lock(&st->mutex);
	s = slot_of(&st->fates, &key, &found);
	if (s != NULL) /* else late attachments go their own way */
		*s = (struct slot){key, stamp(mono_ms), {(uint64_t)why}};
	uv_mutex_unlock(&st->mutex);
}

/* --- ids that come again ----------------------------------------------------------- */

void judge_state_stored(struct judge_state *st, const struct event_id *id, struct instant now)
{
	struct digest key = key_of_id(st, id);
	struct slot *s;
	bool found;

	uv_mutex_lock(&st->mutex);
	s = slot_of(&st->stored, &key, &found);
	if (s != NULL)
		*s = (struct slot){key, stamp(now.mono_ms), {0}};
	uv_mutex_unlock(&st->mutex);
}

bool state_is_stored(
	struct judge_state *st, const struct event_id *id, int64_t mono_ms, int64_t window_ms)
{
	struct digest key = key_of_id(st, id);
	bool found = false;

	uv_mutex_lock(&st->mutex);
	if (st->stored != NULL) {
		const struct slot *s = slot_of(&st->stored, &key, &found);

		found = found && mono_ms - s->mono_ms < window_ms;
	}
	uv_mutex_unlock(&st->mutex);
	return found;
}

/* --- dedupe ------------------------------------------------------------------------ */

/* The same id again is the same event sent twice, which is not for this table. */
bool state_repeats(struct judge_state *st, const struct digest *sender, const struct digest *what,
	const struct digest *id, int64_t mono_ms, int64_t window_ms)
{
	bool found, repeats = false;
	struct slot *s;

	uv_mutex_lock(&st->mutex);
	s = slot_of(&st->lasts, sender, &found);
	if (s != NULL && found && s->v[0] == what->v[0] && s->v[1] == what->v[1] &&
		mono_ms - s->mono_ms < window_ms)
		repeats = s->v[2] != id->v[0];
	if (s != NULL && !repeats)
		*s = (struct slot){*sender, stamp(mono_ms), {what->v[0], what->v[1], id->v[0]}};
	uv_mutex_unlock(&st->mutex);
	return repeats;
}

/* --- storms -------------------------------------------------------------------------- */

bool state_storms(struct judge_state *st, const struct digest *issue, int64_t mono_ms,
	uint64_t count, int64_t window_ms, uint64_t *folded)
{
	bool found, storms = false;
	struct slot *s;

	*folded = 0;
	uv_mutex_lock(&st->mutex);
	s = slot_of(&st->issues, issue, &found);
	if (s != NULL && !found)
		*s = (struct slot){*issue, stamp(mono_ms), {0, 0, 0}};
	if (s != NULL && mono_ms - s->mono_ms >= window_ms) {
		s->mono_ms = stamp(mono_ms);
		s->v[0] = 0;
	}
	if (s != NULL && s->v[0] >= count) {
		storms = true;
		s->v[1]++;
	} else if (s != NULL) {
		s->v[0]++;
		*folded = s->v[1];
		s->v[1] = 0;
	}
	uv_mutex_unlock(&st->mutex);
	return storms;
}
