#include "hooks/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"

/* Instructions between two looks at the clock: about 20 us. */
#define COUNT_STEP  2000
#define LARGE_BYTES ((size_t)64 * 1024)
/* The script itself may take longer than a call: it runs once. */
#define LOAD_LIMIT_US 1000000

struct state *state_of(lua_State *lua)
{
	struct state *s;

	(void)lua_getallocf(lua, (void **)&s);
	return s;
}

static int64_t thread_us(void)
{
	struct timespec t;

	check(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Making large texts takes time, but hardly any instructions. */
static bool is_late(struct state *s, size_t n)
{
	if (n < LARGE_BYTES || s->deadline_us == 0 || thread_us() < s->deadline_us)
		return false;
	s->out_of_time = true;
	return true;
}

static void *allocate(void *arg, void *p, size_t old_n, size_t n)
{
	struct state *s = arg;
	size_t was = p != NULL ? old_n : 0; /* else it tells a kind, not a size */
	void *more;

	if (n == 0) {
		free(p);
		s->memory_bytes -= was;
		return NULL;
	}
	if (n > was && (s->memory_bytes + (n - was) > s->memory_limit || is_late(s, n)))
		return NULL; /* Lua collects garbage and asks once more, then raises */
	more = realloc(p, n);
	if (more != NULL)
		s->memory_bytes = s->memory_bytes - was + n;
	return more;
}

static void on_count(lua_State *lua, lua_Debug *ar)
{
	struct state *s = state_of(lua);

	(void)ar;
	if (s->deadline_us == 0 || thread_us() < s->deadline_us)
		return;
	s->out_of_time = true;
	(void)luaL_error(lua, "time limit");
}

/* --- calls ------------------------------------------------------------------------- */

/* The reason in words of ours: an error may hold what a client wrote. Of a message
 * that begins with the place in the script that place is told. */
static void tell(struct state *s, struct err *err)
{
	size_t n = strlen(s->script), digits = 0;
	const char *text = "";

	if (lua_type(s->lua, -1) == LUA_TSTRING)
		text = lua_tostring(s->lua, -1);
	if (strncmp(text, s->script, n) == 0 && text[n] == ':')
		digits = strspn(text + n + 1, "0123456789");
	if (s->out_of_time)
		(void)err_set(err, E_INVAL, "took longer than hooks.time_limit");
	else if (s->out_of_memory)
		(void)err_set(err, E_INVAL, "took more than hooks.memory_limit");
	else if (digits > 0)
		(void)err_set(err, E_INVAL, "raised an error at %.*s", (int)(n + 1 + digits), text);
	else
		(void)err_set(err, E_INVAL, "raised an error");
}

static int call(struct state *s, int arguments, int64_t limit_us)
{
	int rc;

	s->out_of_time = false;
	s->out_of_memory = false;
	s->deadline_us = thread_us() + limit_us;
	rc = lua_pcall(s->lua, arguments, 1, 0);
	s->deadline_us = 0;
	if (rc == LUA_ERRMEM)
		s->out_of_memory = !s->out_of_time;
	return rc;
}

int state_call(struct state *s, int arguments, struct err *err)
{
	if (call(s, arguments, s->time_limit_us) == LUA_OK && !s->out_of_time)
		return E_OK;
	tell(s, err);
	lua_pop(s->lua, 1);
	return E_INVAL;
}

/* --- begin and end ------------------------------------------------------------------- */

static int open_protected(lua_State *lua)
{
	sandbox_open(lua);
	return 0;
}

/* The operator's own text: here Lua's message is what helps. */
static int fail(struct state *s, struct err *err)
{
	const char *text = NULL;

	if (lua_type(s->lua, -1) == LUA_TSTRING)
		text = lua_tostring(s->lua, -1);
	if (s->out_of_memory)
		return err_set(err, E_SYNTAX, "needs more than hooks.memory_limit");
	if (s->out_of_time)
		return err_set(err, E_SYNTAX, "does not come to an end");
	return err_set(err, E_SYNTAX, "%s", text != NULL ? text : "raised an error");
}

static int load(struct state *s, const char *name, struct str text, struct err *err)
{
	lua_pushcfunction(s->lua, open_protected);
	if (lua_pcall(s->lua, 0, 0, 0) != LUA_OK)
		return fail(s, err);
	/* Text only: bytecode is not checked by anybody. */
	if (luaL_loadbufferx(s->lua, text.p, text.n, name, "t") != LUA_OK ||
		call(s, 0, LOAD_LIMIT_US) != LUA_OK)
		return fail(s, err);
	lua_settop(s->lua, 0);
	return E_OK;
}

int state_new(struct state **ret, const struct hooks_options *o, struct str text, struct err *err)
{
	struct state *s = calloc(1, sizeof *s);
	char name[512];
	int rc;

	if (s == NULL)
		return err_set(err, E_NOMEM, "no memory for an interpreter");
	s->memory_limit = o->memory_limit;
	s->time_limit_us = o->time_limit_us;
	s->script = o->script;
	s->lua = lua_newstate(allocate, s);
	if (s->lua == NULL) {
		free(s);
		return err_set(err, E_NOMEM, "no memory for an interpreter (hooks.memory_limit)");
	}
	lua_sethook(s->lua, on_count, LUA_MASKCOUNT, COUNT_STEP);
	(void)snprintf(name, sizeof name, "@%s", o->script);
	rc = load(s, name, text, err);
	if (rc != E_OK) {
		state_free(s);
		return rc;
	}
	*ret = s;
	return E_OK;
}

void state_free(struct state *s)
{
	if (s == NULL)
		return;
	s->memory_limit = UINT64_MAX; /* closing may have to allocate */
	lua_close(s->lua);
	free(s);
}
