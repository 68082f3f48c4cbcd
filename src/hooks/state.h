/* state.h - one interpreter with its limits. For files of src/hooks only.
 *
 * Everything Lua allocates is counted; a count hook looks at the thread's own
 * clock every some thousand instructions. A limit that was hit cannot be caught by
 * the script: pcall and xpcall pass it on.
 *
 * Owns     the lua_State, which dies with it.
 * Threads  one at a time.
 */
#ifndef PICKET_HOOKS_STATE_H
#define PICKET_HOOKS_STATE_H

#include <lua.h>

#include "base/rng.h"
#include "hooks/hooks.h"

/* Documents a call can see: the payload and the item's header. */
#define STATE_DOCS 2u

struct state {
	lua_State *lua;
	const char *script; /* its path, as error messages begin */
	struct state *next; /* waiting */
	uint64_t memory_bytes, memory_limit;
	int64_t time_limit_us, deadline_us; /* of the thread; 0: no call is running */
	bool out_of_time, out_of_memory;
	uint32_t generation; /* of sessions: values of an earlier one are refused */
	struct json_doc *docs[STATE_DOCS];
	struct arena *arena; /* for what is written into documents */
	struct rng rng;      /* seeded by the event's id */
	double now_s;
};

/* An interpreter in which text has run. E_SYNTAX, E_NOMEM. */
int state_new(struct state **ret, const struct hooks_options *o, struct str text, struct err *err);
/* NULL is fine. */
void state_free(struct state *s);
struct state *state_of(lua_State *lua);

/* Calls the function below its arguments on the stack under the limits. E_OK with
 * one result, or E_INVAL with nothing but the reason in err. */
int state_call(struct state *s, int arguments, struct err *err);

/* sandbox.c: what a script can use. Leaves nothing on the stack. May raise. */
void sandbox_open(lua_State *lua);

#endif
