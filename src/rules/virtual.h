/* virtual.h - fields that are worked out instead of looked up.
 *
 * Sentry's SDKs write the same fact in several places and ways; a virtual field
 * has one name for it (sdk-semantics, 5.2).
 *
 * Owns     nothing; texts are views or arena memory.
 * Threads  any.
 */
#ifndef PICKET_RULES_VIRTUAL_H
#define PICKET_RULES_VIRTUAL_H

#include "rules/value.h"

/* VIRTUAL(id, name, what it is) */
#define VIRTUALS(VIRTUAL)                                                                          \
	VIRTUAL(MESSAGE, "message", "logentry, message or the exception's value: the first there") \
	VIRTUAL(EXC_TYPE, "exception.type", "type of the main (last) exception")                   \
	VIRTUAL(EXC_CLASS, "exception.class", "the same without a module in front")                \
	VIRTUAL(EXC_QUALIFIED, "exception.qualified", "module and type of the main exception")     \
	VIRTUAL(EXC_VALUE, "exception.value", "value of the main exception")                       \
	VIRTUAL(EXC_MODULE, "exception.module", "module of the main exception")                    \
	VIRTUAL(EXC_CHAIN, "exception.chain", "types of all exceptions, bare and qualified")       \
	VIRTUAL(HANDLED, "handled", "mechanism.handled of the main exception")                     \
	VIRTUAL(CRASH, "crash", "true for a fatal unhandled exception or a minidump")              \
	VIRTUAL(URL_PATH, "url.path", "path of the URL")                                           \
	VIRTUAL(URL_HOST, "url.host", "host of the URL, without port")                             \
	VIRTUAL(URL_QUERY, "url.query", "query of the URL")                                        \
	VIRTUAL(HTTP_STATUS, "http.status", "status of the answer")                                \
	VIRTUAL(USER_AGENT, "user_agent", "User-Agent of the request")                             \
	VIRTUAL(DURATION_MS, "duration_ms", "end minus start, in milliseconds")                    \
	VIRTUAL(AGE, "age", "now minus timestamp, in milliseconds")                                \
	VIRTUAL(CLIENT_UID, "client.uid", "user id behind the Unix socket, -1 for none")           \
	VIRTUAL(CLIENT_PID, "client.pid", "process id behind the Unix socket, -1 for none")        \
	VIRTUAL(LISTENER, "listener", "http, unix or unixgram")                                    \
	VIRTUAL(ITEM_TYPE, "item.type", "the item's type as it is sent")                           \
	VIRTUAL(ITEM_SIZE, "item.size", "bytes of the item's payload")                             \
	VIRTUAL(SDK_NAME, "sdk.name", "the SDK's name, from the payload or the envelope")          \
	VIRTUAL(SDK_VERSION, "sdk.version", "the SDK's version, likewise")                         \
	VIRTUAL(KEY, "key", "key of a member, in conditions about members")                        \
	VIRTUAL(VALUE, "value", "the element itself when it is no object")

enum rule_virtual {
	VIRTUAL_NONE,
#define VIRTUAL_ENUM(id, name, help) VIRTUAL_##id,
	VIRTUALS(VIRTUAL_ENUM)
#undef VIRTUAL_ENUM
		VIRTUAL_COUNT
};

enum rule_virtual virtual_find(struct str name);
const char *virtual_name(enum rule_virtual v);
const char *virtual_help(enum rule_virtual v);

/* False when the name means a plain path here. */
bool virtual_applies(enum rule_virtual v, const struct rule_scope *s);
/* Calls each() for every value; most have one, VALUE_MISSING when there is
 * none. True when each() returned true, which ends it. */
bool virtual_each(enum rule_virtual v, struct rule_scope *s, rule_value_fn *each, void *arg);

#endif
