#include "scrub/place.h"

#include <stdlib.h>

#include "base/arena.h"

/* Real events have some hundred. */
#define MAX_PLACES 4096
#define MAX_BYTES  (1u << 20)
#define FIRST_ROOM 256

/* Numbers of places, in struct pii_state. */
#define PLACE_UNSET 0
#define PLACE_NONE  1
#define PLACE_FIRST 2

struct place {
	uint32_t parent;
	uint32_t types;
	uint32_t name;
	uint32_t index;
	struct reach reach[2]; /* by the flag: PII_TRUE, PII_MAYBE */
};

/* The names of which a node must have one for an application to reach it. */
#define END_BITS 256
struct ends {
	bool is_list;                  /* else it may reach nodes of any name */
	uint64_t names[END_BITS / 64]; /* some share a bit */
};

struct places {
	const struct names *names;
	const struct application *apps;
	size_t app_count;
	struct ends *ends;
	struct arena *arena; /* of all below, at most MAX_BYTES */
	struct place *list;
	uint32_t *table; /* numbers of places, open addressing; twice the room of list */
	uint32_t room;
	uint32_t count;
	bool is_full;
	struct reach loose; /* of nodes without a place */
	uint32_t loose_apps[];
};

static bool make_room(struct places *p, uint32_t room)
{
	struct place *list = arena_calloc(p->arena, room, sizeof *list);
	uint32_t *table = arena_calloc(p->arena, 2 * (size_t)room, sizeof *table);

	if (list == NULL || table == NULL)
		return false;
	if (p->count > 0)
		memcpy(list, p->list, p->count * sizeof *list);
	p->list = list;
	p->table = table;
	p->room = room;
	return true;
}

struct end_list {
	const struct names *names;
	struct ends *ends;
	bool is_odd;
};

static void add_end(void *arg, struct str key)
{
	struct end_list *l = arg;
	uint32_t name = names_key(l->names, key);

	l->is_odd |= name == NAME_ODD;
	l->ends->names[name % END_BITS / 64] |= UINT64_C(1) << (name % 64);
}

static void find_ends(struct ends *e, const struct selector *s, const struct names *names)
{
	struct end_list l = {names, e, false};

	e->is_list = selector_each_last_key(s, add_end, &l) && !l.is_odd;
}

static bool may_end_in(const struct ends *e, uint32_t name)
{
	if (!e->is_list || name == NAME_ODD)
		return true;
	return name != NAME_NONE && (e->names[name % END_BITS / 64] >> (name % 64) & 1) != 0;
}

int places_new(struct places **ret, const struct piiconf *c, const struct names *n)
{
	size_t count;
	const struct application *apps = piiconf_applications(c, &count);
	struct places *p = calloc(1, sizeof *p + count * sizeof p->loose_apps[0]);

	*ret = NULL;
	if (p == NULL)
		return E_NOMEM;
	p->names = n;
	p->apps = apps;
	p->app_count = count;
	p->ends = calloc(count + 1, sizeof *p->ends);
	if (p->ends == NULL) {
		places_free(p);
		return E_NOMEM;
	}
	for (size_t i = 0; i < count; i++)
		find_ends(&p->ends[i], apps[i].selector, n);
	*ret = p;
	return E_OK;
}

void places_free(struct places *p)
{
	if (p == NULL)
		return;
	arena_free(p->arena);
	free(p->ends);
	free(p);
}

static void forget(struct places *p)
{
	arena_free(p->arena);
	p->arena = NULL;
	p->list = NULL;
	p->table = NULL;
	p->room = p->count = 0;
	p->is_full = false;
}

void places_tidy(struct places *p)
{
	if (p->is_full)
		forget(p);
}

/* --- numbers -------------------------------------------------------------------------- */

static size_t hash_of(uint32_t parent, uint32_t types, uint32_t name, uint32_t index)
{
	uint64_t h = ((uint64_t)parent << 32 | types) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 29 ^ ((uint64_t)name << 32 | index)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (size_t)(h >> 32);
}

static void put(struct places *p, uint32_t number)
{
	const struct place *e = &p->list[number - PLACE_FIRST];
	size_t mask = 2 * (size_t)p->room - 1;
	size_t i = hash_of(e->parent, e->types, e->name, e->index) & mask;

	while (p->table[i] != PLACE_UNSET)
		i = (i + 1) & mask;
	p->table[i] = number;
}

static bool grow(struct places *p)
{
	if (p->count < p->room)
		return true;
	if (p->arena == NULL)
		p->arena = arena_new(0, MAX_BYTES);
	if (p->arena == NULL || p->count >= MAX_PLACES ||
		!make_room(p, p->room == 0 ? FIRST_ROOM : 2 * p->room)) {
		p->is_full = true;
		return false;
	}
	for (uint32_t i = 0; i < p->count; i++)
		put(p, i + PLACE_FIRST);
	return true;
}

static uint32_t place_of(
	struct places *p, uint32_t parent, uint32_t types, uint32_t name, uint32_t index)
{
	size_t mask = 2 * (size_t)p->room - 1;
	size_t i = hash_of(parent, types, name, index) & mask;

	for (; p->room > 0 && p->table[i] != PLACE_UNSET; i = (i + 1) & mask) {
		const struct place *e = &p->list[p->table[i] - PLACE_FIRST];

		if (e->parent == parent && e->types == types && e->name == name &&
			e->index == index)
			return p->table[i];
	}
	if (p->is_full || !grow(p))
		return PLACE_NONE;
	p->list[p->count] = (struct place){parent, types, name, index, {{0}}};
	put(p, p->count++ + PLACE_FIRST);
	return p->count - 1 + PLACE_FIRST;
}

/* The place of a state, whose parent has one already. */
static void find_place(struct places *p, struct name_cache *keys, struct pii_state *s,
	const struct pii_state *parent)
{
	struct name_facts f;

	f = name_cache_look(keys, p->names, s->key.p != NULL ? s->key : STR(""));
	s->key_look = f.look.bits;
	s->name = s->key.p != NULL ? f.name : NAME_NONE;
	if (s->name == NAME_ODD || (parent != NULL && parent->place == PLACE_NONE))
		s->place = PLACE_NONE;
	else
		s->place = place_of(p, parent != NULL ? parent->place : PLACE_UNSET, s->types,
			s->name, s->index >= 0 ? names_index(p->names, s->index) : NAME_NONE);
}

/* --- what reaches them ------------------------------------------------------------------ */

static void add_rules(struct reach *r, const struct application *a)
{
	for (size_t i = 0; i < a->rule_count; i++) {
		for (size_t k = 0; k < a->rules[i].probe_count; k++) {
			const struct probe *probe = &a->rules[i].probes[k];

			if (probe->on != PROBE_KEY)
				r->values |= QUICK_PATTERN(probe->id);
			if (probe->on != PROBE_VALUE)
				r->keys |= QUICK_PATTERN(probe->id);
		}
	}
}

static const struct reach *ask(struct places *p, const struct pii_state *states, size_t depth)
{
	p->loose = (struct reach){.apps = p->loose_apps, .is_known = true};
	for (size_t i = 0; i < p->app_count; i++) {
		if (!may_end_in(&p->ends[i], states[depth - 1].name) ||
			!selector_matches(p->apps[i].selector, states, depth))
			continue;
		p->loose_apps[p->loose.count++] = (uint32_t)i;
		add_rules(&p->loose, &p->apps[i]);
	}
	return &p->loose;
}

/* *kept takes what the selectors say, if there is room for it. */
static const struct reach *learn(
	struct places *p, struct reach *kept, const struct pii_state *states, size_t depth)
{
	const struct reach *now = ask(p, states, depth);
	uint32_t *apps = arena_alloc(p->arena, now->count * sizeof *apps);

	if (apps == NULL) {
		p->is_full = true;
		return now;
	}
	if (now->count > 0)
		memcpy(apps, now->apps, now->count * sizeof *apps);
	*kept = *now;
	kept->apps = apps;
	return kept;
}

const struct reach *places_reach(struct places *p, struct name_cache *keys,
	struct pii_state *states, size_t depth, bool no_places)
{
	struct pii_state *top = &states[depth - 1];
	size_t at = depth;
	struct reach *r;

	while (at > 0 && states[at - 1].place == PLACE_UNSET)
		at--;
	for (; at < depth; at++)
		find_place(p, keys, &states[at], at > 0 ? &states[at - 1] : NULL);
	if (top->place == PLACE_NONE || top->flag == PII_FALSE || no_places)
		return ask(p, states, depth);
	r = &p->list[top->place - PLACE_FIRST].reach[top->flag == PII_TRUE ? 0 : 1];
	return r->is_known ? r : learn(p, r, states, depth);
}
