#include "process/note.h"

#include <inttypes.h>
#include <stdio.h>

#define INDEX_BYTES 24

bool place_push(struct place *p, json_node node, uint64_t index)
{
	if (p->n == PLACE_DEPTH)
		return false;
	p->at[p->n].node = node;
	p->at[p->n].index = index;
	p->n++;
	return true;
}

bool place_next(const struct json_doc *d, struct place *p, size_t base, bool into)
{
	json_node child = into ? json_first(d, p->at[p->n - 1].node) : JSON_NONE;

	if (child != JSON_NONE && place_push(p, child, 0))
		return true;
	while (p->n > base) {
		json_node next = json_next(d, p->at[p->n - 1].node);

		if (next != JSON_NONE) {
			p->at[p->n - 1].node = next;
			p->at[p->n - 1].index++;
			return true;
		}
		p->n--;
	}
	return false;
}

/* --- the tree ------------------------------------------------------------------ */

static json_node object_in(struct notes *n, json_node parent, struct str key)
{
	json_node node = json_get(n->d, parent, key);

	if (parent == JSON_NONE || json_type_of(n->d, node) == JSON_TYPE_OBJECT)
		return node;
	if (json_set_raw(n->d, parent, key, STR("{}")) != E_OK)
		return JSON_NONE;
	return json_get(n->d, parent, key);
}

static int add_rem(struct notes *n, json_node own, struct str rem)
{
	json_node list = json_get(n->d, own, STR("rem"));
	struct str text;

	if (json_type_of(n->d, list) == JSON_TYPE_ARRAY)
		return json_append_raw(n->d, list, rem);
	text = arena_printf(n->a, "[%.*s]", STR_ARG(rem));
	return text.p != NULL ? json_set_raw(n->d, own, STR("rem"), text) : E_NOMEM;
}

static int set_len(struct notes *n, json_node own, uint64_t len)
{
	struct str text;
	int64_t old = 0;

	if (json_int(n->d, json_get(n->d, own, STR("len")), &old) && old > 0 &&
		(uint64_t)old >= len)
		return E_OK;
	text = arena_printf(n->a, "%" PRIu64, len);
	return text.p != NULL ? json_set_raw(n->d, own, STR("len"), text) : E_NOMEM;
}

/* node: of the tree, for the place itself. */
static int note_at(struct notes *n, json_node node, uint64_t len, struct str rem)
{
	json_node own = object_in(n, node, STR(""));
	int rc = own == JSON_NONE ? E_NOMEM : E_OK;

	if (rc == E_OK && len > 0)
		rc = set_len(n, own, len);
	if (rc == E_OK && rem.n > 0)
		rc = add_rem(n, own, rem);
	n->written++;
	return rc;
}

int note_place(struct notes *n, const struct place *p, uint64_t len, struct str rem)
{
	json_node node;

	if (n->written >= NOTES_MAX)
		return E_OK;
	node = object_in(n, json_root(n->d), STR("_meta"));
	for (size_t i = 0; i < p->n && node != JSON_NONE; i++) {
		struct str key = json_key(n->d, p->at[i].node);

		if (json_type_of(n->d, json_parent(n->d, p->at[i].node)) == JSON_TYPE_ARRAY)
			key = arena_printf(n->a, "%" PRIu64, p->at[i].index);
		else if (key.p == NULL && p->at[i].node == json_root(n->d))
			continue; /* the walk began at the top */
		if (key.p == NULL)
			return E_NOMEM;
		if (!str_is_utf8(key))
			return E_OK; /* a name that cannot be written again */
		node = object_in(n, node, key);
	}
	return note_at(n, node, len, rem);
}

int note_path(struct notes *n, const char *path, uint64_t len, struct str rem)
{
	json_node node = object_in(n, json_root(n->d), STR("_meta"));
	struct str rest = str_of(path), key;

	while (str_cut(&rest, '.', &key))
		node = object_in(n, node, key);
	return note_at(n, node, len, rem);
}

/* --- moving ---------------------------------------------------------------------- */

/* Renamed to what comes earlier first, so that no name is there twice. Writers
 * list elements in their order; in another order a name may be, harmlessly. */
int note_shift(struct notes *n, const char *path, uint64_t gone)
{
	char full[64];
	json_node list, next;

	(void)snprintf(full, sizeof full, "_meta.%s", path);
	list = json_find(n->d, json_root(n->d), full);
	for (json_node m = json_first(n->d, list); m != JSON_NONE; m = next) {
		struct str name;
		uint64_t index;
		int rc;

		next = json_next(n->d, m);
		if (!str_to_u64(json_key(n->d, m), UINT32_MAX, &index))
			continue;
		name = arena_printf(n->a, "%" PRIu64, index - gone);
		if (name.p == NULL)
			return E_NOMEM;
		rc = index < gone ? json_remove(n->d, m) : json_rename(n->d, m, name);
		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}
