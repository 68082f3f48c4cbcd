#include "scrub/names.h"

#include <stdlib.h>

/* More names with letters of other scripts than that are not looked for one by one. */
#define MAX_WIDE 4096

struct names {
	struct str *keys; /* borrowed from selectors; the name of one is its place + 1 */
	size_t key_count;
	size_t key_cap;
	uint32_t *wide; /* names of the keys that are not ASCII */
	size_t wide_count;
	uint32_t *table; /* names of the others, by their hash */
	size_t table_cap;
	int64_t *indexes;
	size_t index_count;
	size_t index_cap;
	bool is_odd; /* a selector names a key that is not UTF-8, or too many */
};

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Of ASCII, the same for either case. */
static size_t hash_of(struct str s)
{
	uint32_t h = (uint32_t)s.n;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ ((unsigned char)s.p[i] | 0x20u)) * 0x01000193u;
	return h ^ h >> 15;
}

static uint32_t find_ascii(const struct names *n, struct str key)
{
	size_t i = hash_of(key);

	for (; n->table_cap > 0 && n->table[i & (n->table_cap - 1)] != NAME_NONE; i++) {
		uint32_t name = n->table[i & (n->table_cap - 1)];

		if (selector_key_eq(n->keys[name - 1], key))
			return name;
	}
	return NAME_NONE;
}

/* Folding may make a letter of another script one of ours. */
static uint32_t find_wide(const struct names *n, struct str key)
{
	for (size_t i = 0; i < n->wide_count; i++)
		if (selector_key_eq(n->keys[n->wide[i] - 1], key))
			return n->wide[i];
	return NAME_NONE;
}

static uint32_t find_any(const struct names *n, struct str key)
{
	for (size_t i = 0; i < n->key_count; i++)
		if (selector_key_eq(n->keys[i], key))
			return (uint32_t)i + 1;
	return NAME_NONE;
}

uint32_t names_key(const struct names *n, struct str key)
{
	uint32_t name;

	if (n->is_odd)
		return NAME_ODD;
	if (!is_ascii(key))
		return str_is_utf8(key) ? find_any(n, key) : NAME_ODD;
	name = find_ascii(n, key);
	return name != NAME_NONE ? name : find_wide(n, key);
}

uint32_t names_index(const struct names *n, int64_t index)
{
	for (size_t i = 0; i < n->index_count; i++)
		if (n->indexes[i] == index)
			return (uint32_t)i + 1;
	return NAME_NONE;
}

/* --- making them ----------------------------------------------------------------- */

/* NULL: no memory. */
static void *grown(void *list, size_t count, size_t *cap, size_t size)
{
	size_t more = *cap == 0 ? 32 : 2 * *cap;
	void *own;

	if (count < *cap)
		return list;
	own = more < UINT32_MAX / 2 ? realloc(list, more * size) : NULL;
	if (own != NULL)
		*cap = more;
	return own;
}

static void put(struct names *n, uint32_t name)
{
	size_t i = hash_of(n->keys[name - 1]);

	while (n->table[i & (n->table_cap - 1)] != NAME_NONE)
		i++;
	n->table[i & (n->table_cap - 1)] = name;
}

/* At most half full. */
static int grow_table(struct names *n)
{
	size_t cap = n->table_cap == 0 ? 128 : 2 * n->table_cap;
	uint32_t *table;

	if (2 * (n->key_count + 1) <= n->table_cap)
		return E_OK;
	table = calloc(cap, sizeof *table);
	if (table == NULL)
		return E_NOMEM;
	free(n->table);
	n->table = table;
	n->table_cap = cap;
	for (size_t i = 0; i < n->key_count; i++)
		if (is_ascii(n->keys[i]))
			put(n, (uint32_t)i + 1);
	return E_OK;
}

static int add_wide(struct names *n, uint32_t name)
{
	if (n->wide == NULL)
		n->wide = calloc(MAX_WIDE, sizeof *n->wide);
	if (n->wide == NULL)
		return E_NOMEM;
	n->is_odd |= n->wide_count == MAX_WIDE;
	if (!n->is_odd)
		n->wide[n->wide_count++] = name;
	return E_OK;
}

static int add_key(void *arg, struct str key)
{
	struct names *n = arg;
	struct str *keys;

	n->is_odd |= !str_is_utf8(key);
	if (n->is_odd || names_key(n, key) != NAME_NONE)
		return E_OK;
	keys = grown(n->keys, n->key_count, &n->key_cap, sizeof *keys);
	if (keys == NULL)
		return E_NOMEM;
	n->keys = keys;
	if (grow_table(n) != E_OK)
		return E_NOMEM;
	n->keys[n->key_count++] = key;
	if (!is_ascii(key))
		return add_wide(n, (uint32_t)n->key_count);
	put(n, (uint32_t)n->key_count);
	return E_OK;
}

static int add_index(void *arg, int64_t index)
{
	struct names *n = arg;
	int64_t *indexes;

	if (names_index(n, index) != NAME_NONE)
		return E_OK;
	indexes = grown(n->indexes, n->index_count, &n->index_cap, sizeof *indexes);
	if (indexes == NULL)
		return E_NOMEM;
	n->indexes = indexes;
	n->indexes[n->index_count++] = index;
	return E_OK;
}

static int add_all(struct names *n, const struct piiconf *c)
{
	size_t count;
	const struct application *apps = piiconf_applications(c, &count);
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < count; i++)
		rc = selector_each_name(apps[i].selector, add_key, add_index, n);
	return rc;
}

int names_new(struct names **ret, const struct piiconf *const *confs, size_t count)
{
	struct names *n = calloc(1, sizeof *n);
	int rc = n != NULL ? E_OK : E_NOMEM;

	*ret = NULL;
	for (size_t i = 0; rc == E_OK && i < count; i++)
		if (confs[i] != NULL)
			rc = add_all(n, confs[i]);
	if (rc != E_OK) {
		names_free(n);
		return rc;
	}
	*ret = n;
	return E_OK;
}

void names_free(struct names *n)
{
	if (n == NULL)
		return;
	free(n->keys);
	free(n->wide);
	free(n->table);
	free(n->indexes);
	free(n);
}

/* --- lately -------------------------------------------------------------------------- */

/* Up to 16 bytes as two numbers, which with their count say which they are. */
static bool words_of(struct str s, uint64_t words[2])
{
	uint32_t half[2];

	words[0] = words[1] = 0;
	if (s.n >= 8 && s.n <= 16) {
		memcpy(&words[0], s.p, 8);
		memcpy(&words[1], s.p + s.n - 8, 8); /* the two may overlap */
	} else if (s.n >= 4 && s.n < 8) {
		memcpy(&half[0], s.p, 4);
		memcpy(&half[1], s.p + s.n - 4, 4);
		words[0] = half[0] | (uint64_t)half[1] << 32;
	} else if (s.n > 0 && s.n < 4) {
		words[0] = (unsigned char)s.p[0] | (uint64_t)(unsigned char)s.p[s.n / 2] << 8 |
			   (uint64_t)(unsigned char)s.p[s.n - 1] << 16;
	}
	return s.n <= 16;
}

static size_t slot_of(const uint64_t words[2], size_t n)
{
	uint64_t h = (words[0] ^ n) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32 ^ words[1]) * UINT64_C(0xbf58476d1ce4e5b9);
	return (size_t)(h >> 40) % NAME_CACHE_KEYS;
}

static struct name_facts look(const struct names *n, struct str key)
{
	struct name_facts f;

	f.name = names_key(n, key);
	quick_look(key, &f.look);
	return f;
}

struct name_facts name_cache_look(struct name_cache *c, const struct names *n, struct str key)
{
	struct name_entry *e;
	uint64_t words[2];

	if (!words_of(key, words))
		return look(n, key);
	e = &c->of[slot_of(words, key.n)];
	if (e->facts.look.bits == 0 || e->words[0] != words[0] || e->words[1] != words[1] ||
		e->n != key.n)
		*e = (struct name_entry){{words[0], words[1]}, (uint32_t)key.n, look(n, key)};
	return e->facts;
}
