/* json.h - the lossless document.
 *
 * Indexes JSON text once; nodes are views into the original bytes. Numbers and
 * untouched strings keep their very text. Edits mark the path to the root
 * dirty, and writing copies every clean range verbatim.
 *
 * It accepts what real SDKs send and strict parsers refuse: lone surrogates,
 * integers and exponents of any size, NUL and control characters in strings
 * and keys, bytes that are not UTF-8, duplicate keys (json_get finds the first).
 *
 * No name here is one of jansson's: both meet in one program, where a second
 * json_delete or json_string would take the place of the library's own.
 *
 * Owns     nothing: the index and every edit live in the arena; the text is
 *          borrowed and must outlive the document.
 * Threads  one at a time; a document travels with its envelope.
 * Fails    E_SYNTAX   not JSON; err names the byte offset
 *          E_TOOBIG   deeper, longer or of more nodes than the limits allow
 *          E_NOMEM    the arena is exhausted
 */
#ifndef PICKET_JSON_JSON_H
#define PICKET_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct json_doc;

/* A place in the document. JSON_NONE is "no such node"; every function takes
 * it and answers JSON_NONE, false, 0 or an empty str. */
typedef uint32_t json_node;
#define JSON_NONE ((json_node)0)

enum json_type {
	JSON_TYPE_MISSING, /* of JSON_NONE and of deleted nodes */
	JSON_TYPE_NULL,
	JSON_TYPE_BOOL,
	JSON_TYPE_NUMBER,
	JSON_TYPE_STRING,
	JSON_TYPE_ARRAY,
	JSON_TYPE_OBJECT,
};

struct json_limits {
	uint32_t max_depth; /* 0: the default of 10000 (iterative, not stack-bound) */
	uint32_t max_nodes; /* 0: the default of 1 << 24 */
	size_t max_bytes;   /* 0: the default, UINT32_MAX - 1 */
};

/* The whole text is one value, blanks around it allowed. limits may be NULL. */
int json_parse(struct json_doc **ret, struct arena *a, struct str text,
	const struct json_limits *limits, struct err *err);

/* Reads one value from the front of text, after leading blanks; *used is the
 * offset just past it (protocol.md 6.2, steps 2 and 3). */
int json_parse_first(struct json_doc **ret, struct arena *a, struct str text,
	const struct json_limits *limits, size_t *used, struct err *err);

json_node json_root(const struct json_doc *d);
/* The numbers of all nodes so far are below this: what somebody notes about each. */
size_t json_bound(const struct json_doc *d);
enum json_type json_type_of(const struct json_doc *d, json_node n);

/* The original text of a node, without its key. For a node that was edited,
 * or that came from an edit, the text it was given last; a container edited
 * inside is written with json_write instead. */
struct str json_raw(const struct json_doc *d, json_node n);

/* Members and elements in order. json_first(d, n) of an empty or scalar node
 * is JSON_NONE. Deleting the current node inside a loop is allowed once its
 * successor has been taken. */
json_node json_first(const struct json_doc *d, json_node n);
json_node json_next(const struct json_doc *d, json_node n);
json_node json_parent(const struct json_doc *d, json_node n);
size_t json_count(const struct json_doc *d, json_node n);

/* First member with this key (decoded, compared byte by byte). */
json_node json_get(struct json_doc *d, json_node object, struct str key);
/* Element at index; negative counts from the end. */
json_node json_at(const struct json_doc *d, json_node array, int64_t index);
/* Keys separated by dots, [n] for elements: "contexts.trace.trace_id",
 * "exception.values[-1].type". */
json_node json_find(struct json_doc *d, json_node from, const char *path);

/* Decoded key of a member, decoded value of a string. Escapes are resolved
 * into arena memory on first use; a text without escapes is a view. A lone
 * surrogate becomes its three-byte form; \u0000 a NUL byte. Empty with p ==
 * NULL when the node has none, or memory ran out. */
struct str json_key(struct json_doc *d, json_node n);
struct str json_text(struct json_doc *d, json_node n);
bool json_bool(const struct json_doc *d, json_node n, bool fallback);
/* True when the number is an integer that fits, written without fraction or
 * exponent; *ret is untouched otherwise. */
bool json_int(const struct json_doc *d, json_node n, int64_t *ret);
/* True for every number; out of range gives +-HUGE_VAL as strtod does. */
bool json_double(const struct json_doc *d, json_node n, double *ret);

/* Edits. raw must be one well-formed JSON value; it is borrowed, not copied,
 * and must live as long as the document (arena memory does). It is indexed at
 * once, so that json_get and later edits can go inside it. Strings given as
 * struct str are encoded by the document: UTF-8 as it is, surrogates in their
 * three-byte form as escapes again, other bytes as U+FFFD.
 *
 * Each returns E_OK, E_NOMEM, E_NOTFOUND (no such node) or E_INVAL (not a
 * container of that kind, raw not one value or too deep, or no such place: the
 * root has neither key nor siblings). A refused edit changes nothing. A node keeps its
 * number when it is replaced; what was below it is no longer part of the
 * document. max_nodes bounds what clients send, edits are bounded by memory. */
int json_replace_raw(struct json_doc *d, json_node n, struct str raw);
int json_replace_string(struct json_doc *d, json_node n, struct str value);
/* Replaces the first member with this key, or adds one at the end. */
int json_set_raw(struct json_doc *d, json_node object, struct str key, struct str raw);
int json_set_string(struct json_doc *d, json_node object, struct str key, struct str value);
/* Before the element at index; index == count appends; negative from the end. */
int json_insert_raw(struct json_doc *d, json_node array, int64_t index, struct str raw);
int json_append_raw(struct json_doc *d, json_node array, struct str raw);
int json_rename(struct json_doc *d, json_node member, struct str key);
int json_remove(struct json_doc *d, json_node n);

/* True when anything in or below n was edited, its key included. */
bool json_is_dirty(const struct json_doc *d, json_node n);

/* Appends the text of n: clean ranges verbatim, blanks among them included.
 * Nothing for JSON_NONE and deleted nodes. */
void json_write(struct json_doc *d, json_node n, struct buf *out);
/* The same without any blanks between tokens; strings and numbers verbatim
 * (protocol.md 6.4: headers are one compact line). */
void json_write_compact(struct json_doc *d, json_node n, struct buf *out);

#endif
