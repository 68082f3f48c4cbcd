/* derive.h - the switches of default scrubbing, as a PII configuration (pii.md 9).
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_SYNTAX, E_INVAL  settings that are none; the sentence names what
 *          E_NOMEM
 */
#ifndef PICKET_SCRUB_DERIVE_H
#define PICKET_SCRUB_DERIVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* The name of the rule that holds the sensitive fields; it ignores case. */
#define DERIVE_STRIP_FIELDS "strip-fields"

struct derive_settings {
	bool scrub_data;
	bool scrub_defaults; /* nothing without scrub_data */
	bool scrub_ip_addresses;
	const struct str *sensitive;
	size_t sensitive_count;
	const struct str *exclude;
	size_t exclude_count;
};

/* Reads the JSON of older settings: scrubData, scrubDefaults,
 * scrubIpAddresses, sensitiveFields, excludeFields. Lists live in the arena. */
int derive_read(struct derive_settings *ret, struct str json, struct arena *a, struct err *err);

/* Appends the configuration; nothing when the settings ask for nothing. */
int derive_config(const struct derive_settings *s, struct buf *out, struct err *err);

/* Appends " && !F" for each excluded field: a selector, or else a literal key. */
int derive_add_excludes(const struct derive_settings *s, struct buf *selector, struct err *err);

#endif
