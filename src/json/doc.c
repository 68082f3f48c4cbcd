/* The tables of a document. They grow by doubling: the arena keeps the old
 * copies, so all of them together stay below twice what is in use. */
#include "json/doc.h"

#include "json/scan.h"

/* Small texts are envelope and item headers of a few members, made for every
 * item; a block for them is 192 bytes. */
#define SMALL_BYTES 128u
#define SMALL_SHIFT 3u
#define EVENT_BYTES 65536u
#define EVENT_SHIFT 6u
#define LARGE_SHIFT 10u

/* Room for one more element of size bytes after *n of them. */
static void *grow(struct arena *a, void *old, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t want = *cap < 4 ? 4 : *cap * 2;
	void *p;

	if (n < *cap)
		return old;
	if (*cap > UINT32_MAX / 2 || want > SIZE_MAX / size)
		return NULL;
	p = arena_alloc(a, want * size);
	if (p == NULL)
		return NULL;
	if (n > 0)
		memcpy(p, old, n * size);
	*cap = want;
	return p;
}

static uint32_t shift_for(size_t text_bytes)
{
	if (text_bytes <= SMALL_BYTES)
		return SMALL_SHIFT;
	return text_bytes <= EVENT_BYTES ? EVENT_SHIFT : LARGE_SHIFT;
}

struct json_doc *doc_new(struct arena *a, struct str text)
{
	struct json_doc *d = arena_calloc(a, 1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->arena = a;
	d->text = text;
	d->next_base = text.n < UINT32_MAX ? (uint32_t)text.n + 1 : 0;
	d->block_shift = shift_for(text.n);
	if (doc_grow_nodes(d) != E_OK)
		return NULL;
	memset(node_at(d, JSON_NONE), 0, sizeof(struct node));
	d->count = 1;
	return d;
}

int doc_grow_nodes(struct json_doc *d)
{
	uint32_t block = d->count >> d->block_shift;
	struct node **blocks;
	struct node *nodes;

	if (d->count == UINT32_MAX)
		return E_NOMEM;
	if (block < d->blocks_n)
		return E_OK; /* left over from an edit that was refused */
	blocks = grow(d->arena, d->blocks, d->blocks_n, &d->blocks_cap, sizeof(struct node *));
	if (blocks == NULL)
		return E_NOMEM;
	d->blocks = blocks;
	nodes = arena_alloc(d->arena, sizeof *nodes << d->block_shift);
	if (nodes == NULL)
		return E_NOMEM;
	d->blocks[d->blocks_n++] = nodes;
	return E_OK;
}

struct segment *doc_add_segment(struct json_doc *d, struct str text)
{
	struct segment *s;

	if (d->next_base == 0 || text.n >= UINT32_MAX - d->next_base)
		return NULL;
	s = grow(d->arena, d->segments, d->segments_n, &d->segments_cap, sizeof *s);
	if (s == NULL)
		return NULL;
	d->segments = s;
	s += d->segments_n++;
	*s = (struct segment){text, d->next_base, 0, 0};
	/* One offset between segments: the end of one is not the start of another. */
	d->next_base += (uint32_t)text.n + 1;
	return s;
}

const struct segment *doc_segment(const struct json_doc *d, uint32_t offset)
{
	uint32_t low = 0, high = d->segments_n;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (d->segments[mid].base <= offset)
			low = mid;
		else
			high = mid;
	}
	return &d->segments[low];
}

int doc_make_list(struct json_doc *d, json_node n)
{
	struct node *e = node_at(d, n);
	struct list *l;

	if ((e->flags & NODE_LIST) != 0)
		return E_OK;
	l = grow(d->arena, d->lists, d->lists_n, &d->lists_cap, sizeof *l);
	if (l == NULL)
		return E_NOMEM;
	d->lists = l;
	l[d->lists_n] = (struct list){e->end, node_first(d, n, e), JSON_NONE};
	e->end = d->lists_n++;
	e->flags = (uint16_t)((e->flags & ~NODE_FILLED) | NODE_LIST);
	return E_OK;
}

struct str node_key_raw(const struct json_doc *d, const struct node *e)
{
	const byte *p, *end, *bad;
	bool escaped = false;
	const char *key;

	if (e->key == 0)
		return STR_EMPTY;
	key = doc_text(d, e->key) + 1;
	if (e->key_n != KEY_LONG)
		return str_make(key, e->key_n);
	/* The text is well-formed, so the quote is there. */
	if (e->key <= d->text.n) {
		end = (const byte *)d->text.p + d->text.n;
	} else {
		const struct segment *s = doc_segment(d, e->key);

		end = (const byte *)s->text.p + s->text.n;
	}
	p = scan_string((const byte *)key, end, &escaped, &bad);
	return str_make(key, p != NULL ? (size_t)(p - (const byte *)key) - 1 : 0);
}

static struct decoded *cache_slot(struct decoded *cache, uint32_t cap, uint32_t at)
{
	uint32_t i = (at * 2654435761u) & (cap - 1);

	while (cache[i].at != at && cache[i].s.p != NULL)
		i = (i + 1) & (cap - 1);
	return &cache[i];
}

static int cache_grow(struct json_doc *d)
{
	uint32_t cap = d->cache_cap == 0 ? 16 : d->cache_cap * 2;
	struct decoded *cache;
	uint32_t i;

	if (d->cache_n < d->cache_cap / 2)
		return E_OK;
	if (d->cache_cap > UINT32_MAX / 2)
		return E_NOMEM;
	cache = arena_calloc(d->arena, cap, sizeof *cache);
	if (cache == NULL)
		return E_NOMEM;
	for (i = 0; i < d->cache_cap; i++) {
		if (d->cache[i].s.p != NULL)
			*cache_slot(cache, cap, d->cache[i].at) = d->cache[i];
	}
	d->cache = cache;
	d->cache_cap = cap;
	return E_OK;
}

struct decoded *doc_cache(struct json_doc *d, uint32_t at)
{
	struct decoded *slot;

	if (d->cache_cap > 0) {
		slot = cache_slot(d->cache, d->cache_cap, at);
		if (slot->s.p != NULL)
			return slot;
	}
	if (cache_grow(d) != E_OK)
		return NULL;
	return cache_slot(d->cache, d->cache_cap, at);
}
