/* rule.h - what to look for and what to do with it (pii.md 4, 5).
 *
 * A rule that is ready to run has up to three probes, tried in turn.
 *
 * Owns     nothing: texts are literals or live with their configuration.
 * Threads  immutable: any.
 */
#ifndef PICKET_SCRUB_RULE_H
#define PICKET_SCRUB_RULE_H

#include "scrub/pattern.h"

enum rule_type {
	RULE_ANYTHING,
	RULE_PATTERN,
	RULE_REDACT_PAIR,
	RULE_REDACT_KEY, /* looks at the key only */
	RULE_IMEI,
	RULE_MAC,
	RULE_UUID,
	RULE_EMAIL,
	RULE_IP,
	RULE_CREDITCARD,
	RULE_IBAN,
	RULE_USERPATH,
	RULE_PEMKEY,
	RULE_URLAUTH,
	RULE_URLAUTH_LEGACY, /* a pattern of its own, as a builtin only */
	RULE_USSSN,
	RULE_BEARER,
	RULE_PASSWORD,
	RULE_COOKIES,
	RULE_MULTIPLE,
	RULE_ALIAS,
	RULE_TYPE_COUNT
};

enum method { METHOD_DEFAULT, METHOD_REMOVE, METHOD_REPLACE, METHOD_MASK, METHOD_HASH };

struct redaction {
	enum method method;
	struct str text; /* of METHOD_REPLACE */
};

/* The patterns that come with picket; a custom one has PAT_CUSTOM. */
enum pattern_id {
	PAT_IMEI,
	PAT_MAC,
	PAT_UUID,
	PAT_EMAIL,
	PAT_IBAN,
	PAT_IP4,
	PAT_IP6,
	PAT_CREDITCARD,
	PAT_USERPATH,
	PAT_PEMKEY,
	PAT_URLAUTH,
	PAT_URLAUTH_LEGACY,
	PAT_USSSN,
	PAT_BEARER,
	PAT_TOKENKEY,
	PAT_PASSWORD,
	PAT_COOKIES,
	PAT_ANYTHING,
	PAT_COUNT,
	PAT_CUSTOM = PAT_COUNT,
	PAT_DEEP_KEYS, /* of deep scrubbing: custom to all but quick.h */
	PAT_DEEP_PAIRS,
	PAT_DEEP_HEADER
};

enum probe_on { PROBE_VALUE, PROBE_KEY, PROBE_BOTH };

struct probe {
	const struct pattern *pattern;
	enum pattern_id id;
	enum probe_on on;
	bool whole;      /* a match replaces the whole value */
	uint64_t groups; /* else these: bit n for group n */
};

#define RULE_MAX_PROBES 3

struct rule {
	struct str name;   /* orders the rules of an application */
	struct str origin; /* is reported */
	enum rule_type type;
	struct redaction redaction;
	struct probe probes[RULE_MAX_PROBES];
	size_t probe_count;
	uint32_t figure; /* its row in figures.h */
};

/* A rule as it is defined, before aliases are followed. */
struct rule_def {
	struct str name;
	enum rule_type type;
	struct redaction redaction;
	const struct str *inner; /* of multiple and alias */
	size_t inner_count;
	bool hide_inner;
	const struct pattern *custom; /* of pattern and redact_pair */
	enum pattern_id custom_id;    /* PAT_CUSTOM, or one of picket's own */
	uint64_t groups;
	uint32_t line; /* in the file, 0 for a builtin */
	uint32_t column;
};

struct pattern_set {
	struct pattern *of[PAT_COUNT];
};

int pattern_set_init(struct pattern_set *s, struct err *err);
void pattern_set_fini(struct pattern_set *s);

/* False when no builtin has this name ("@ip", "@email:hash", ...). */
bool builtin_rule(struct str name, struct rule_def *ret);
/* The type a configuration names; false when there is none. */
bool rule_type_parse(struct str name, enum rule_type *ret);
bool method_parse(struct str name, enum method *ret);
/* Fills in type, redaction and probes; names are left to the caller. */
void rule_prepare(struct rule *r, const struct rule_def *def, const struct pattern_set *set);

#endif
