#include "hooks/hooks.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/siphash.h"
#include "hooks/state.h"
#include "hooks/value.h"

/* Interpreters and the calls into them.
 *
 *   hooks_new     one interpreter shows whether the script runs, and what it defines
 *   hooks_begin   takes one that waits, or makes another: as many as work at once
 *   hooks_call    function(subject, hint) under the limits
 *   hooks_end     it waits again, unless a limit was hit: then it is not used any more
 */

#define SCRIPT_MAX  (UINT32_C(1) << 20)
#define DOC_PAYLOAD 0u
#define DOC_HEADER  1u

struct hooks {
	struct hooks_options o;
	char *path;
	struct buf text;
	bool defined[HOOK_COUNT];
	pthread_mutex_t lock;
	struct state *waiting;
};

struct hook_session {
	struct hooks *hooks;
	struct state *state;
	struct envelope *e;
	bool is_spoilt;
};

static const char *const names[HOOK_COUNT] = {
#define HOOK_NAME(id, name) [HOOK_##id] = (name),
	HOOKS(HOOK_NAME)
#undef HOOK_NAME
};

/* --- the script --------------------------------------------------------------------- */

static int find_protected(lua_State *lua)
{
	struct hooks *h = lua_touserdata(lua, 1);

	for (unsigned i = 0; i < HOOK_COUNT; i++) {
		h->defined[i] = lua_getglobal(lua, names[i]) == LUA_TFUNCTION;
		lua_pop(lua, 1);
	}
	return 0;
}

static int find_functions(struct hooks *h, struct state *s, struct err *err)
{
	lua_pushcfunction(s->lua, find_protected);
	lua_pushlightuserdata(s->lua, h);
	if (state_call(s, 1, err) != E_OK)
		return err_set(err, E_SYNTAX, "%s: needs more than hooks.memory_limit", h->path);
	lua_settop(s->lua, 0);
	return E_OK;
}

int hooks_new(struct hooks **ret, const struct hooks_options *o, struct err *err)
{
	struct hooks *h = calloc(1, sizeof *h);
	int rc;

	if (h == NULL)
		return err_set(err, E_NOMEM, "no memory for hooks");
	(void)pthread_mutex_init(&h->lock, NULL); /* cannot fail */
	h->o = *o;
	h->path = strdup(o->script);
	h->o.script = h->path;
	rc = h->path != NULL ? file_read_soon(h->path, SCRIPT_MAX, &h->text, err)
			     : err_set(err, E_NOMEM, "no memory for hooks");
	if (rc == E_OK)
		rc = state_new(&h->waiting, &h->o, buf_view(&h->text), err);
	if (rc == E_OK)
		rc = find_functions(h, h->waiting, err);
	if (rc != E_OK) {
		hooks_free(h);
		return rc;
	}
	*ret = h;
	return E_OK;
}

void hooks_free(struct hooks *h)
{
	if (h == NULL)
		return;
	while (h->waiting != NULL) {
		struct state *s = h->waiting;

		h->waiting = s->next;
		state_free(s);
	}
	(void)pthread_mutex_destroy(&h->lock);
	buf_fini(&h->text);
	free(h->path);
	free(h);
}

bool hooks_has(const struct hooks *h, enum hook which)
{
	return h->defined[which];
}

/* --- sessions ----------------------------------------------------------------------------- */

static int state_take(struct hooks *h, struct state **ret, struct err *err)
{
	struct state *s;

	(void)pthread_mutex_lock(&h->lock);
	s = h->waiting;
	if (s != NULL)
		h->waiting = s->next;
	(void)pthread_mutex_unlock(&h->lock);
	*ret = s;
	return s != NULL ? E_OK : state_new(ret, &h->o, buf_view(&h->text), err);
}

/* The same event, the same numbers, in every process. */
static void seed(struct state *s, const struct envelope *e)
{
	static const struct siphash_key key = {UINT64_C(0x68206b6f6f687365), 0};
	const struct event_id *id = &e->event_id;
	struct str bytes = str_make((const char *)id->b, e->has_event_id ? sizeof id->b : 0);

	rng_seed(&s->rng, siphash(&key, bytes));
}

int hooks_begin(struct hooks *h, struct envelope *e, struct instant now, struct hook_session **ret,
	struct err *err)
{
	struct hook_session *session = arena_calloc(e->arena, 1, sizeof *session);
	int rc;

	if (session == NULL)
		return err_set(err, E_NOMEM, "no memory for hooks");
	rc = state_take(h, &session->state, err);
	if (rc != E_OK)
		return err_set(err, E_NOMEM, "no memory for hooks");
	session->hooks = h;
	session->e = e;
	session->state->generation++;
	session->state->arena = e->arena;
	session->state->now_s = (double)now.wall_ms / 1000.0;
	seed(session->state, e);
	*ret = session;
	return E_OK;
}

void hooks_end(struct hook_session *session)
{
	struct state *s = session->state;
	struct hooks *h = session->hooks;

	memset(s->docs, 0, sizeof s->docs);
	s->arena = NULL;
	lua_settop(s->lua, 0);
	if (session->is_spoilt) {
		state_free(s); /* what was broken off may have left things half done */
		return;
	}
	(void)pthread_mutex_lock(&h->lock);
	s->next = h->waiting;
	h->waiting = s;
	(void)pthread_mutex_unlock(&h->lock);
}

/* --- hints ---------------------------------------------------------------------------------- */

static void set_text(lua_State *lua, const char *key, struct str text)
{
	if (text.n == 0)
		return;
	(void)lua_pushlstring(lua, text.p, text.n);
	lua_setfield(lua, -2, key);
}

static void set_integer(lua_State *lua, const char *key, int64_t n)
{
	lua_pushinteger(lua, n);
	lua_setfield(lua, -2, key);
}

static void push_attachment(lua_State *lua, struct envelope *e, struct item *it)
{
	struct json_doc *d = item_header(e, it);
	json_node root = json_root(d);

	lua_newtable(lua);
	set_text(lua, "filename", json_text(d, json_get(d, root, STR("filename"))));
	set_text(lua, "content_type", json_text(d, json_get(d, root, STR("content_type"))));
	set_text(lua, "attachment_type", json_text(d, json_get(d, root, STR("attachment_type"))));
	set_integer(lua, "bytes", (int64_t)it->payload.n);
}

static void push_attachments(lua_State *lua, struct envelope *e)
{
	lua_Integer n = 0;

	lua_newtable(lua);
	for (size_t i = 0; i < e->item_count; i++) {
		if (e->items[i].type != ITEM_ATTACHMENT)
			continue;
		push_attachment(lua, e, &e->items[i]);
		lua_rawseti(lua, -2, ++n);
	}
}

static void push_hint(lua_State *lua, struct envelope *e)
{
	const struct sender *from = &e->from;

	luaL_checkstack(lua, 10, "hint");
	lua_newtable(lua);
	set_text(lua, "project", from->project);
	set_text(lua, "client", from->client);
	set_text(lua, "user_agent", from->user_agent);
	set_text(lua, "listener", from->peer_uid >= 0 ? STR("unix") : STR("http"));
	lua_newtable(lua);
	if (from->peer_uid >= 0)
		set_integer(lua, "uid", from->peer_uid);
	if (from->peer_pid >= 0)
		set_integer(lua, "pid", from->peer_pid);
	lua_setfield(lua, -2, "peer");
	push_attachments(lua, e);
	lua_setfield(lua, -2, "attachments");
}

/* --- calls ------------------------------------------------------------------------------------ */

/* What a call is to do, as its only argument: it runs protected, since making values
 * may raise too. */
struct calling {
	struct hook_session *session;
	enum hook which;
	json_node subject;
	enum hook_outcome outcome;
};

static void push_subject_and_hint(lua_State *lua, const struct calling *c)
{
	struct hook_session *session = c->session;

	value_push(lua, DOC_PAYLOAD, c->subject);
	push_hint(lua, session->e);
	if (session->state->docs[DOC_HEADER] != NULL) {
		value_push(lua, DOC_HEADER, json_root(session->state->docs[DOC_HEADER]));
		lua_setfield(lua, -2, "headers");
	}
}

static int run(lua_State *lua)
{
	struct calling *c = lua_touserdata(lua, 1);

	(void)lua_getglobal(lua, names[c->which]);
	push_subject_and_hint(lua, c);
	lua_call(lua, 2, 1);
	if (lua_isnil(lua, -1)) {
		c->outcome = HOOK_DROPPED;
	} else if (value_is_node(lua, -1, DOC_PAYLOAD, c->subject)) {
		c->outcome = HOOK_KEPT;
	} else if (lua_istable(lua, -1) || value_is_view(lua, -1)) {
		value_replace(lua, -1, DOC_PAYLOAD, c->subject);
		c->outcome = HOOK_KEPT;
	} else {
		return luaL_error(lua, "answers a %s", luaL_typename(lua, -1));
	}
	return 0;
}

enum hook_outcome hooks_call(struct hook_session *session, enum hook which, struct item *it,
	struct json_doc *d, json_node subject, struct err *err)
{
	struct calling c = {session, which, subject, HOOK_FAILED};
	struct state *s = session->state;
	int rc;

	s->docs[DOC_PAYLOAD] = d;
	s->docs[DOC_HEADER] = item_header(session->e, it);
	lua_pushcfunction(s->lua, run);
	lua_pushlightuserdata(s->lua, &c);
	rc = state_call(s, 1, err);
	if (rc != E_OK) {
		session->is_spoilt = session->is_spoilt || s->out_of_time || s->out_of_memory;
		return HOOK_FAILED;
	}
	lua_pop(s->lua, 1); /* its result, which is nothing */
	return c.outcome;
}
