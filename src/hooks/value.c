#include "hooks/value.h"

#include <lauxlib.h>
#include <math.h>

#include "base/number.h"
#include "hooks/state.h"

#define DEPTH_MAX 100

struct view {
	uint32_t generation;
	unsigned doc;
	json_node node;
};

/* Its address is the key of the metatable. */
static const char metatable_key;

static void push_metatable(lua_State *lua)
{
	(void)lua_rawgetp(lua, LUA_REGISTRYINDEX, &metatable_key);
}

bool value_is_view(lua_State *lua, int index)
{
	bool is;

	if (lua_type(lua, index) != LUA_TUSERDATA || !lua_getmetatable(lua, index))
		return false;
	push_metatable(lua);
	is = lua_rawequal(lua, -1, -2);
	lua_pop(lua, 2);
	return is;
}

/* Raises when the document is gone. */
static struct json_doc *doc_of(lua_State *lua, const struct view *v)
{
	const struct state *s = state_of(lua);

	if (v->generation != s->generation || s->docs[v->doc] == NULL)
		(void)luaL_error(lua, "this belongs to an event that is gone");
	return s->docs[v->doc];
}

static struct json_doc *view_at(lua_State *lua, int index, struct view *ret)
{
	if (!value_is_view(lua, index))
		(void)luaL_typeerror(lua, index, "value of an event");
	*ret = *(const struct view *)lua_touserdata(lua, index);
	return doc_of(lua, ret);
}

bool value_is_node(lua_State *lua, int index, unsigned doc, json_node n)
{
	const struct view *v;

	if (!value_is_view(lua, index))
		return false;
	v = lua_touserdata(lua, index);
	return v->generation == state_of(lua)->generation && v->doc == doc && v->node == n;
}

/* --- reading ------------------------------------------------------------------------ */

static void push_number(lua_State *lua, const struct json_doc *d, json_node n)
{
	int64_t i = 0;
	double f = 0;

	if (json_int(d, n, &i)) {
		lua_pushinteger(lua, i);
		return;
	}
	(void)json_double(d, n, &f);
	lua_pushnumber(lua, f);
}

static void push_string(lua_State *lua, struct json_doc *d, json_node n)
{
	struct str text = json_text(d, n);

	if (text.p == NULL)
		(void)luaL_error(lua, "not enough memory");
	(void)lua_pushlstring(lua, text.p, text.n);
}

void value_push(lua_State *lua, unsigned doc, json_node n)
{
	struct state *s = state_of(lua);
	struct json_doc *d = s->docs[doc];
	struct view *v;

	switch (json_type_of(d, n)) {
	case JSON_TYPE_MISSING:
	case JSON_TYPE_NULL:
		lua_pushnil(lua);
		break;
	case JSON_TYPE_BOOL:
		lua_pushboolean(lua, json_bool(d, n, false));
		break;
	case JSON_TYPE_NUMBER:
		push_number(lua, d, n);
		break;
	case JSON_TYPE_STRING:
		push_string(lua, d, n);
		break;
	case JSON_TYPE_ARRAY:
	case JSON_TYPE_OBJECT:
		v = lua_newuserdatauv(lua, sizeof *v, 0);
		*v = (struct view){s->generation, doc, n};
		push_metatable(lua);
		(void)lua_setmetatable(lua, -2);
		break;
	}
}

static struct str str_at(lua_State *lua, int index)
{
	size_t n;
	const char *p = lua_tolstring(lua, index, &n);

	return str_make(p, n);
}

/* The member or element the key at index means. */
static json_node child_of(lua_State *lua, struct json_doc *d, json_node n, int index)
{
	int is_integer = 0;
	lua_Integer i;

	if (json_type_of(d, n) == JSON_TYPE_OBJECT && lua_type(lua, index) == LUA_TSTRING)
		return json_get(d, n, str_at(lua, index));
	i = lua_tointegerx(lua, index, &is_integer);
	if (json_type_of(d, n) != JSON_TYPE_ARRAY || lua_type(lua, index) != LUA_TNUMBER ||
		!is_integer || i < 1)
		return JSON_NONE;
	return json_at(d, n, i - 1);
}

static int view_index(lua_State *lua)
{
	struct view v;
	struct json_doc *d = view_at(lua, 1, &v);

	value_push(lua, v.doc, child_of(lua, d, v.node, 2));
	return 1;
}

static int view_len(lua_State *lua)
{
	struct view v;
	struct json_doc *d = view_at(lua, 1, &v);
	bool is_array = json_type_of(d, v.node) == JSON_TYPE_ARRAY;

	lua_pushinteger(lua, is_array ? (lua_Integer)json_count(d, v.node) : 0);
	return 1;
}

static int view_eq(lua_State *lua)
{
	struct view a;

	(void)view_at(lua, 1, &a);
	lua_pushboolean(lua, value_is_node(lua, 2, a.doc, a.node));
	return 1;
}

/* Upvalues: the view, the node that comes next, its place in an array. */
static int view_next(lua_State *lua)
{
	struct view v;
	struct json_doc *d = view_at(lua, lua_upvalueindex(1), &v);
	json_node n = (json_node)lua_tointeger(lua, lua_upvalueindex(2));
	lua_Integer place = lua_tointeger(lua, lua_upvalueindex(3));
	bool is_array = json_type_of(d, v.node) == JSON_TYPE_ARRAY;

	while (n != JSON_NONE && json_type_of(d, n) == JSON_TYPE_NULL) {
		n = json_next(d, n);
		place++;
	}
	if (n == JSON_NONE)
		return 0;
	lua_pushinteger(lua, (lua_Integer)json_next(d, n));
	lua_replace(lua, lua_upvalueindex(2));
	lua_pushinteger(lua, place + 1);
	lua_replace(lua, lua_upvalueindex(3));
	if (is_array) {
		lua_pushinteger(lua, place);
	} else {
		struct str key = json_key(d, n);

		(void)lua_pushlstring(lua, key.p != NULL ? key.p : "", key.n);
	}
	value_push(lua, v.doc, n);
	return 2;
}

static int view_pairs(lua_State *lua)
{
	struct view v;
	struct json_doc *d = view_at(lua, 1, &v);

	lua_settop(lua, 1);
	lua_pushinteger(lua, (lua_Integer)json_first(d, v.node));
	lua_pushinteger(lua, 1);
	lua_pushcclosure(lua, view_next, 3);
	return 1;
}

/* Its text as arena memory, since raising would not free a buffer. p NULL: none. */
static struct str text_of(struct state *s, struct json_doc *d, json_node n)
{
	struct buf b = BUF_INIT;
	struct str text = STR_EMPTY;

	json_write(d, n, &b);
	if (buf_ok(&b))
		text = arena_dup(s->arena, buf_view(&b));
	buf_fini(&b);
	return text;
}

static int view_tostring(lua_State *lua)
{
	struct view v;
	struct json_doc *d = view_at(lua, 1, &v);
	struct str text = text_of(state_of(lua), d, v.node);

	if (text.p == NULL)
		return luaL_error(lua, "not enough memory");
	(void)lua_pushlstring(lua, text.p, text.n);
	return 1;
}

/* --- writing ------------------------------------------------------------------------- */

/* Where a value goes: a node is there already, with something in it. */
struct target {
	struct state *s;
	struct json_doc *d;
};

static void ok(lua_State *lua, int rc)
{
	if (rc != E_OK)
		(void)luaL_error(
			lua, rc == E_NOMEM ? "not enough memory" : "this cannot be changed");
}

static struct str number_text(lua_State *lua, struct state *s, int index)
{
	char text[NUMBER_BYTES];

	if (lua_isinteger(lua, index))
		return arena_printf(s->arena, "%lld", (long long)lua_tointeger(lua, index));
	if (!isfinite(lua_tonumber(lua, index)))
		(void)luaL_error(lua, "JSON has no such number");
	number_format(lua_tonumber(lua, index), text);
	return arena_dup(s->arena, str_of(text));
}

/* A table whose keys are 1 to n; an empty one is an object. */
static bool is_list(lua_State *lua, int index)
{
	lua_Unsigned n = lua_rawlen(lua, index), found = 0;

	lua_pushnil(lua);
	while (lua_next(lua, index) != 0) {
		lua_pop(lua, 1);
		if (!lua_isinteger(lua, -1) || lua_tointeger(lua, -1) < 1 ||
			(lua_Unsigned)lua_tointeger(lua, -1) > n) {
			lua_pop(lua, 1);
			return false;
		}
		found++;
	}
	return n > 0 && found == n;
}

static void put(lua_State *lua, const struct target *t, json_node n, int index, int depth);

static void put_list(lua_State *lua, const struct target *t, json_node n, int index, int depth)
{
	lua_Integer count = (lua_Integer)lua_rawlen(lua, index);

	ok(lua, json_replace_raw(t->d, n, STR("[]")));
	for (lua_Integer i = 1; i <= count; i++) {
		ok(lua, json_append_raw(t->d, n, STR("null")));
		(void)lua_rawgeti(lua, index, i);
		put(lua, t, json_at(t->d, n, -1), lua_gettop(lua), depth);
		lua_pop(lua, 1);
	}
}

static void put_members(lua_State *lua, const struct target *t, json_node n, int index, int depth)
{
	ok(lua, json_replace_raw(t->d, n, STR("{}")));
	lua_pushnil(lua);
	while (lua_next(lua, index) != 0) {
		if (lua_type(lua, -2) != LUA_TSTRING)
			(void)luaL_error(lua, "members have names: this table is neither a list "
					      "nor an object");
		ok(lua, json_set_raw(t->d, n, str_at(lua, -2), STR("null")));
		put(lua, t, json_get(t->d, n, str_at(lua, -2)), lua_gettop(lua), depth);
		lua_pop(lua, 1);
	}
}

static void put_view(lua_State *lua, const struct target *t, json_node n, int index)
{
	struct view v;
	struct json_doc *from = view_at(lua, index, &v);
	struct str text;

	if (from == t->d && v.node == n)
		return;
	text = text_of(t->s, from, v.node);
	ok(lua, text.p != NULL ? json_replace_raw(t->d, n, text) : E_NOMEM);
}

static void put_table(lua_State *lua, const struct target *t, json_node n, int index, int depth)
{
	luaL_checkstack(lua, 4, "too deep");
	if (depth == DEPTH_MAX)
		(void)luaL_error(lua, "a table that is too deep, or holds itself");
	if (is_list(lua, index))
		put_list(lua, t, n, index, depth + 1);
	else
		put_members(lua, t, n, index, depth + 1);
}

static void put(lua_State *lua, const struct target *t, json_node n, int index, int depth)
{
	struct str text;

	switch (lua_type(lua, index)) {
	case LUA_TBOOLEAN:
		ok(lua, json_replace_raw(
				t->d, n, lua_toboolean(lua, index) ? STR("true") : STR("false")));
		break;
	case LUA_TNUMBER:
		text = number_text(lua, t->s, index);
		ok(lua, text.p != NULL ? json_replace_raw(t->d, n, text) : E_NOMEM);
		break;
	case LUA_TSTRING:
		ok(lua, json_replace_string(t->d, n, str_at(lua, index)));
		break;
	case LUA_TTABLE:
		put_table(lua, t, n, index, depth);
		break;
	case LUA_TUSERDATA:
		put_view(lua, t, n, index);
		break;
	case LUA_TLIGHTUSERDATA: /* picket.null, the only one there is */
		ok(lua, json_replace_raw(t->d, n, STR("null")));
		break;
	default:
		(void)luaL_error(lua, "a %s has no place in an event", luaL_typename(lua, index));
		break;
	}
}

/* A table may hold views of what it replaces, so it is put together elsewhere. */
static void place(lua_State *lua, const struct target *t, json_node n, int index)
{
	struct target aside = {t->s, NULL};
	struct str text;

	if (lua_type(lua, index) != LUA_TTABLE) {
		put(lua, t, n, index, 0);
		return;
	}
	ok(lua, json_parse(&aside.d, t->s->arena, STR("null"), NULL, NULL));
	put(lua, &aside, json_root(aside.d), index, 0);
	text = text_of(t->s, aside.d, json_root(aside.d));
	ok(lua, text.p != NULL ? json_replace_raw(t->d, n, text) : E_NOMEM);
}

void value_replace(lua_State *lua, int index, unsigned doc, json_node n)
{
	struct state *s = state_of(lua);
	const struct target t = {s, s->docs[doc]};

	place(lua, &t, n, lua_absindex(lua, index));
}

/* nil takes the last element away; elsewhere it leaves the others their places. */
static void assign_element(lua_State *lua, const struct target *t, json_node array)
{
	lua_Integer i = luaL_checkinteger(lua, 2), n = (lua_Integer)json_count(t->d, array);

	luaL_argcheck(lua, i >= 1 && i <= n + 1, 2, "no such element");
	if (lua_isnil(lua, 3)) {
		if (i <= n)
			ok(lua, i == n ? json_remove(t->d, json_at(t->d, array, i - 1))
				       : json_replace_raw(
						 t->d, json_at(t->d, array, i - 1), STR("null")));
		return;
	}
	if (i == n + 1)
		ok(lua, json_append_raw(t->d, array, STR("null")));
	place(lua, t, json_at(t->d, array, i - 1), 3);
}

static void assign_member(lua_State *lua, const struct target *t, json_node object)
{
	struct str key = str_at(lua, 2);
	json_node n = json_get(t->d, object, key);

	if (lua_isnil(lua, 3)) {
		if (n != JSON_NONE)
			ok(lua, json_remove(t->d, n));
		return;
	}
	if (n == JSON_NONE) {
		ok(lua, json_set_raw(t->d, object, key, STR("null")));
		n = json_get(t->d, object, key);
	}
	place(lua, t, n, 3);
}

static int view_newindex(lua_State *lua)
{
	struct view v;
	struct target t = {state_of(lua), view_at(lua, 1, &v)};

	if (v.doc != 0)
		return luaL_error(lua, "hints are for reading");
	if (json_type_of(t.d, v.node) == JSON_TYPE_ARRAY)
		assign_element(lua, &t, v.node);
	else if (lua_type(lua, 2) == LUA_TSTRING)
		assign_member(lua, &t, v.node);
	else
		return luaL_error(lua, "members of an object have names");
	return 0;
}

/* --- begin ----------------------------------------------------------------------------- */

void value_open(lua_State *lua)
{
	static const luaL_Reg methods[] = {{"__index", view_index}, {"__newindex", view_newindex},
		{"__len", view_len}, {"__eq", view_eq}, {"__pairs", view_pairs},
		{"__tostring", view_tostring}, {NULL, NULL}};

	lua_newtable(lua);
	luaL_setfuncs(lua, methods, 0);
	lua_pushboolean(lua, 0);
	lua_setfield(lua, -2, "__metatable");
	lua_rawsetp(lua, LUA_REGISTRYINDEX, &metatable_key);
	lua_pushlightuserdata(lua, NULL);
	lua_setfield(lua, -2, "null");
}
