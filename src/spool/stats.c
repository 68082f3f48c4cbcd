/* Figures for people and for monitoring. */
#include "spool/inner.h"

void spool_stats(const struct spool *s, struct instant now, struct spool_stats *ret)
{
	const struct snapshot *sh = &s->shown;

	memset(ret, 0, sizeof *ret);
	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		ret->class_records[c] = sh->records[c];
		ret->class_bytes[c] = sh->bytes[c];
		ret->records += sh->records[c];
		ret->bytes += sh->bytes[c];
	}
	if (sh->oldest_born_mono_ms != INT64_MAX && now.mono_ms > sh->oldest_born_mono_ms)
		ret->oldest_age_ms = now.mono_ms - sh->oldest_born_mono_ms;
	ret->dead_records = sh->dead_records;
	ret->dead_bytes = sh->dead_bytes;
	ret->file_bytes = sh->file_bytes;
	ret->max_bytes = s->limits.max_bytes;
	ret->trouble = sh->trouble;
	ret->trouble_since_wall_ms = sh->trouble != E_OK ? sh->trouble_since_wall_ms : 0;
	ret->queued = s->queued;
}

const struct tally *spool_tally(const struct spool *s)
{
	return &s->shown.tally;
}

bool spool_is_idle(const struct spool *s)
{
	struct inbox *in = (struct inbox *)&s->in; /* only its mutex changes */
	bool idle;

	uv_mutex_lock(&in->mutex);
	idle = s->queued == 0 && !in->busy && in->done == NULL && in->ops == NULL &&
	       in->purges == NULL && in->lives.n == 0 && !in->look;
	uv_mutex_unlock(&in->mutex);
	return idle;
}

uint64_t shown_bytes(const struct spool *s)
{
	uint64_t bytes = 0;

	for (unsigned c = 0; c < CLASS_COUNT; c++)
		bytes += s->shown.bytes[c];
	return bytes;
}

/* A quota that refuses is never quite reached: full is what the last refusal
 * was met with, until something has left. */
bool spool_has_room(const struct spool *s)
{
	uint64_t bytes = shown_bytes(s);

	if (s->closing || s->shown.trouble != E_OK)
		return false;
	if (!s->limits.refuse_when_full)
		return true;
	return bytes < s->limits.max_bytes &&
	       (s->refused_at_bytes == 0 || bytes < s->refused_at_bytes);
}
