/* schema.h - which field may be scrubbed, and what it is (pii.md 8, 12).
 *
 * A table per kind of object. A member that no table names has the flag that
 * its table gives to others.
 *
 * Owns     nothing: constant tables.
 * Threads  any.
 */
#ifndef PICKET_SCRUB_SCHEMA_H
#define PICKET_SCRUB_SCHEMA_H

#include "scrub/selector.h"

enum field_kind {
	FIELD_FREE,     /* any JSON: members inherit the flag */
	FIELD_TEXT,     /* one value, not a container */
	FIELD_LENIENT,  /* the same; a number counts as its text */
	FIELD_IP,       /* an address */
	FIELD_PATH,     /* a file's path: its last part stays */
	FIELD_OBJECT,   /* an object of the schema */
	FIELD_VALUES,   /* {"values": [objects]}, or the list itself */
	FIELD_LIST,     /* a list of such objects */
	FIELD_PAIRS,    /* an object of values, or a list of pairs */
	FIELD_HEADERS,  /* the same; "Cookie" holds cookies */
	FIELD_QUERY,    /* the same, or a query string */
	FIELD_COOKIES,  /* the same, or a cookie header */
	FIELD_BODY,     /* any JSON, or text that holds JSON or a form */
	FIELD_CONTEXTS, /* objects whose "type" says which schema */
	FIELD_DATA,     /* an object of which names say the flags, at any depth */
	FIELD_ATTRIBUTES
};

struct schema;

struct field {
	struct str name;
	enum pii_flag flag;
	enum field_kind kind;
	uint32_t types;              /* beside what the JSON says; 0: only that */
	const struct schema *schema; /* of the object, or of the objects inside */
	const char *as;              /* the name rules see; NULL: name */
	bool deep;                   /* deep scrubbing looks at it too */
};

struct schema {
	const struct field *fields;
	size_t count;
	enum pii_flag other;
	uint32_t types;
};

enum schema_root {
	SCHEMA_EVENT,
	SCHEMA_SPAN,
	SCHEMA_BREADCRUMB,
	SCHEMA_TRACE_CONTEXT,
	SCHEMA_SPAN_V2,
	SCHEMA_LOG,
	SCHEMA_TRACE_METRIC,
	SCHEMA_REPLAY,
	SCHEMA_SESSION,
	SCHEMA_USER_REPORT,
	SCHEMA_CHECK_IN,
	SCHEMA_PROFILE,
	SCHEMA_FREE, /* every member, by any selector */
	SCHEMA_COUNT
};

const struct schema *schema_of(enum schema_root r);
/* NULL when the table names no such member. */
const struct field *schema_field(const struct schema *s, struct str name);
/* NULL for a type that is not known. */
const struct schema *schema_context(struct str type);

/* The flag of an attribute's value by its name (10.2). False when the name is
 * not known. */
bool schema_convention(struct str name, enum pii_flag *ret);

#endif
