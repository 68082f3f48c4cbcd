/* value.h - JSON values as a script sees them. For files of src/hooks only.
 *
 * Scalars are copied; an object or array is a small userdata that looks into the
 * document when asked and passes for a table: it is indexed, assigned, counted and
 * walked like one, and type() says "table". null reads as nil; picket.null writes
 * it. A value of an earlier session is refused.
 *
 * Owns     nothing: views into the documents of the running session.
 * Threads  one at a time.
 */
#ifndef PICKET_HOOKS_VALUE_H
#define PICKET_HOOKS_VALUE_H

#include <lua.h>

#include "json/json.h"

/* Adds what scripts need to the table on the top of the stack. May raise. */
void value_open(lua_State *lua);

/* Pushes one value; nil for JSON_NONE. doc is its index in the state. May raise. */
void value_push(lua_State *lua, unsigned doc, json_node n);
/* True when the value is an object or array of a document. */
bool value_is_view(lua_State *lua, int index);
/* True when it is this very node. */
bool value_is_node(lua_State *lua, int index, unsigned doc, json_node n);
/* Puts the value at index in the place of a node. May raise. */
void value_replace(lua_State *lua, int index, unsigned doc, json_node n);

#endif
