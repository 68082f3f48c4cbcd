#include "envelope/keymap.h"

#include <stdlib.h>

#include "base/check.h"

struct keymap_key {
	uint64_t hash;
	size_t at, n; /* in bytes */
};

#define FIRST_SLOTS 64u

void keymap_init(struct keymap *m, const struct siphash_key *seed)
{
	*m = (struct keymap){.seed = *seed, .bytes = BUF_INIT};
}

void keymap_fini(struct keymap *m)
{
	free(m->keys);
	free(m->slots);
	buf_fini(&m->bytes);
	*m = (struct keymap){.bytes = BUF_INIT};
}

void keymap_clear(struct keymap *m)
{
	if (m->n > 0)
		memset(m->slots, 0, m->slot_count * sizeof m->slots[0]);
	m->n = 0;
	buf_clear(&m->bytes);
}

int array_reserve(void **array, size_t *cap, size_t used, size_t more, size_t size)
{
	size_t want = *cap < 16 ? 16 : *cap;
	void *p;

	if (more <= *cap - used)
		return E_OK;
	while (want - used < more) {
		if (want > SIZE_MAX / 4 / size)
			return E_NOMEM;
		want *= 2;
	}
	p = realloc(*array, want * size);
	if (p == NULL)
		return E_NOMEM;
	*array = p;
	*cap = want;
	return E_OK;
}

int text_reserve(struct buf *b, size_t n)
{
	if (buf_reserve(b, n) != NULL)
		return E_OK;
	b->failed = false;
	return E_NOMEM;
}

static void slot_put(struct keymap *m, size_t number)
{
	size_t at = m->keys[number].hash & (m->slot_count - 1);

	while (m->slots[at] != 0)
		at = (at + 1) & (m->slot_count - 1);
	m->slots[at] = (uint32_t)number + 1;
}

/* At least twice as many slots as keys. */
static int slots_reserve(struct keymap *m, size_t keys)
{
	size_t want = m->slot_count < FIRST_SLOTS ? FIRST_SLOTS : m->slot_count;
	uint32_t *slots;

	while (want / 2 < keys)
		want *= 2;
	if (want == m->slot_count)
		return E_OK;
	slots = calloc(want, sizeof *slots);
	if (slots == NULL)
		return E_NOMEM;
	free(m->slots);
	m->slots = slots;
	m->slot_count = want;
	for (size_t i = 0; i < m->n; i++)
		slot_put(m, i);
	return E_OK;
}

int keymap_reserve(struct keymap *m, size_t keys, size_t bytes)
{
	void *array = m->keys;
	int rc;

	if (keys > UINT32_MAX / 4 - m->n)
		return E_NOMEM;
	rc = array_reserve(&array, &m->cap, m->n, keys, sizeof *m->keys);
	m->keys = array;
	if (rc == E_OK)
		rc = slots_reserve(m, m->n + keys);
	return rc == E_OK ? text_reserve(&m->bytes, bytes) : rc;
}

static size_t find(const struct keymap *m, struct str key, uint64_t hash)
{
	size_t mask = m->slot_count - 1;

	if (m->n == 0)
		return KEYMAP_NONE;
	for (size_t at = hash & mask; m->slots[at] != 0; at = (at + 1) & mask) {
		const struct keymap_key *k = &m->keys[m->slots[at] - 1];

		if (k->hash == hash && str_eq(str_make(m->bytes.p + k->at, k->n), key))
			return m->slots[at] - 1;
	}
	return KEYMAP_NONE;
}

size_t keymap_find(const struct keymap *m, struct str key)
{
	return find(m, key, siphash(&m->seed, key));
}

size_t keymap_number(struct keymap *m, struct str key)
{
	uint64_t hash = siphash(&m->seed, key);
	size_t number = find(m, key, hash);

	if (number != KEYMAP_NONE)
		return number;
	check(m->n < m->cap && m->n < m->slot_count / 2);
	m->keys[m->n] = (struct keymap_key){hash, m->bytes.n, key.n};
	buf_str(&m->bytes, key);
	check(buf_ok(&m->bytes));
	slot_put(m, m->n);
	return m->n++;
}
