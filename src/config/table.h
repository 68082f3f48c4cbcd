/* table.h - finding rows of the table of settings.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_CONFIG_TABLE_H
#define PICKET_CONFIG_TABLE_H

#include <stddef.h>

#include "base/str.h"
#include "config/settings.h"

/* The row of section and key, or NULL. */
const struct setting_info *table_find(struct str section, struct str key);
/* The i-th section in table order, or NULL after the last. */
const char *table_section(size_t i);
/* The table's own spelling of a section, or NULL when there is none. */
const char *table_find_section(struct str section);

/* The nearest valid names, or NULL when nothing is near. */
const char *table_near_section(struct str section);
const char *table_near_key(const char *section, struct str key);
/* A row of any section that has exactly this key, or NULL. */
const struct setting_info *table_any_key(struct str key);

static inline void *setting_field(struct settings *s, const struct setting_info *info)
{
	return (char *)s + info->offset;
}

static inline const void *setting_field_const(
	const struct settings *s, const struct setting_info *info)
{
	return (const char *)s + info->offset;
}

#endif
