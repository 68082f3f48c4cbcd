/* What a script can use: the language, strings, tables, numbers, UTF-8; its own
 * random numbers and time; and nothing that reaches out of it, loads code, or gets
 * around its limits.
 */
#include <lauxlib.h>
#include <lualib.h>

#include "hooks/state.h"
#include "hooks/value.h"

/* Matching is not interrupted by limits, and its time grows with a power of what
 * is searched: longer texts are searched in plain, or cut by the script. */
#define PATTERN_SUBJECT_MAX 8192u

/* --- errors that are not to be caught --------------------------------------------- */

static bool is_over(lua_State *lua, int rc)
{
	struct state *s = state_of(lua);

	if (rc == LUA_ERRMEM)
		s->out_of_memory = !s->out_of_time;
	return s->out_of_time || s->out_of_memory;
}

static int sandbox_pcall(lua_State *lua)
{
	int rc;

	luaL_checkany(lua, 1);
	lua_pushboolean(lua, 1);
	lua_insert(lua, 1);
	rc = lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0);
	if (rc == LUA_OK)
		return lua_gettop(lua);
	if (is_over(lua, rc))
		return lua_error(lua);
	lua_pushboolean(lua, 0);
	lua_insert(lua, -2);
	return 2;
}

static int sandbox_xpcall(lua_State *lua)
{
	int arguments = lua_gettop(lua) - 2, rc;

	luaL_checktype(lua, 2, LUA_TFUNCTION);
	lua_pushvalue(lua, 1); /* f, handler, ..., f */
	lua_remove(lua, 1);
	lua_insert(lua, 2); /* handler, f, ... */
	rc = lua_pcall(lua, arguments, LUA_MULTRET, 1);
	if (rc != LUA_OK && is_over(lua, rc))
		return lua_error(lua);
	lua_pushboolean(lua, rc == LUA_OK);
	lua_replace(lua, 1);
	return lua_gettop(lua);
}

/* A finalizer would run where no limit is looked at. */
static int sandbox_setmetatable(lua_State *lua)
{
	luaL_checktype(lua, 1, LUA_TTABLE);
	if (!lua_isnoneornil(lua, 2)) {
		luaL_checktype(lua, 2, LUA_TTABLE);
		lua_pushliteral(lua, "__gc");
		if (lua_rawget(lua, 2) != LUA_TNIL)
			return luaL_error(lua, "a metatable here has no __gc");
		lua_pop(lua, 1);
	}
	if (luaL_getmetafield(lua, 1, "__metatable") != LUA_TNIL)
		return luaL_error(lua, "this metatable is protected");
	lua_settop(lua, 2);
	(void)lua_setmetatable(lua, 1);
	return 1;
}

static int sandbox_type(lua_State *lua)
{
	luaL_checkany(lua, 1);
	(void)lua_pushstring(lua, value_is_view(lua, 1) ? "table" : luaL_typename(lua, 1));
	return 1;
}

/* --- patterns ----------------------------------------------------------------------- */

/* Upvalue: the library's own function. */
static int limited_pattern(lua_State *lua)
{
	size_t n;

	(void)luaL_checklstring(lua, 1, &n);
	if (n > PATTERN_SUBJECT_MAX && !lua_toboolean(lua, 4))
		return luaL_error(
			lua, "a text for a pattern has at most %d bytes", (int)PATTERN_SUBJECT_MAX);
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
	return lua_gettop(lua);
}

/* For functions whose fourth argument is not "plain". */
static int limited_pattern_any(lua_State *lua)
{
	size_t n;

	(void)luaL_checklstring(lua, 1, &n);
	if (n > PATTERN_SUBJECT_MAX)
		return luaL_error(
			lua, "a text for a pattern has at most %d bytes", (int)PATTERN_SUBJECT_MAX);
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
	return lua_gettop(lua);
}

/* The string library is on the top of the stack. */
static void limit_patterns(lua_State *lua)
{
	static const struct {
		const char *name;
		lua_CFunction f;
	} functions[] = {{"find", limited_pattern}, {"match", limited_pattern_any},
		{"gmatch", limited_pattern_any}, {"gsub", limited_pattern_any}};

	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
		(void)lua_getfield(lua, -1, functions[i].name);
		lua_pushcclosure(lua, functions[i].f, 1);
		lua_setfield(lua, -2, functions[i].name);
	}
	lua_pushnil(lua);
	lua_setfield(lua, -2, "dump");
}

/* --- chance and time --------------------------------------------------------------------- */

/* As math.random, drawn from the event's id: the same event, the same numbers. */
static int sandbox_random(lua_State *lua)
{
	struct state *s = state_of(lua);
	lua_Integer low = 1, high;
	uint64_t drawn;

	if (lua_isnoneornil(lua, 1)) {
		lua_pushnumber(lua, (double)(rng_next(&s->rng) >> 11) / 9007199254740992.0);
		return 1;
	}
	high = luaL_checkinteger(lua, 1);
	if (!lua_isnoneornil(lua, 2)) {
		low = high;
		high = luaL_checkinteger(lua, 2);
	}
	luaL_argcheck(lua, low <= high && (uint64_t)high - (uint64_t)low < UINT64_MAX, 1,
		"interval is empty");
	drawn = rng_below(&s->rng, (uint64_t)high - (uint64_t)low + 1);
	/* Unsigned, as the interval may be wider than a signed number. */
	lua_pushinteger(lua, (lua_Integer)(lua_Unsigned)((uint64_t)low + drawn));
	return 1;
}

/* When the envelope came, in seconds since 1970. */
static int sandbox_time(lua_State *lua)
{
	lua_pushnumber(lua, state_of(lua)->now_s);
	return 1;
}

/* --- the whole ----------------------------------------------------------------------------- */

static void open_base(lua_State *lua)
{
	static const char *const kept[] = {"assert", "error", "getmetatable", "ipairs", "next",
		"pairs", "select", "tonumber", "tostring", "_VERSION"};
	static const luaL_Reg own[] = {{"pcall", sandbox_pcall}, {"xpcall", sandbox_xpcall},
		{"setmetatable", sandbox_setmetatable}, {"type", sandbox_type}, {NULL, NULL}};

	luaL_requiref(lua, LUA_GNAME, luaopen_base, 0);
	lua_newtable(lua);
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		(void)lua_getfield(lua, -2, kept[i]);
		lua_setfield(lua, -2, kept[i]);
	}
	luaL_setfuncs(lua, own, 0);
	lua_pushvalue(lua, -1);
	lua_setfield(lua, -2, LUA_GNAME);
	/* luaopen_base filled the globals: the new table takes their place. */
	lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pop(lua, 1);
}

static void open_library(lua_State *lua, const char *name, lua_CFunction open)
{
	luaL_requiref(lua, name, open, 1);
}

void sandbox_open(lua_State *lua)
{
	open_base(lua);
	open_library(lua, LUA_STRLIBNAME, luaopen_string);
	limit_patterns(lua);
	open_library(lua, LUA_TABLIBNAME, luaopen_table);
	open_library(lua, LUA_UTF8LIBNAME, luaopen_utf8);
	open_library(lua, LUA_MATHLIBNAME, luaopen_math);
	lua_pushcfunction(lua, sandbox_random);
	lua_setfield(lua, -2, "random");
	lua_pushnil(lua);
	lua_setfield(lua, -2, "randomseed");
	lua_newtable(lua);
	lua_pushcfunction(lua, sandbox_time);
	lua_setfield(lua, -2, "time");
	value_open(lua); /* adds to the table on the top */
	lua_setglobal(lua, "picket");
	lua_settop(lua, 0);
	/* No way back to what was left out. */
	lua_pushnil(lua);
	lua_setfield(lua, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}
