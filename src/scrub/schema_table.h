/* schema_table.h - how the tables of fields are written. For schema*.c only.
 *
 * One line is one field: name, flag, kind.
 *
 * Owns     nothing.
 */
#ifndef PICKET_SCRUB_SCHEMA_TABLE_H
#define PICKET_SCRUB_SCHEMA_TABLE_H

#include "scrub/schema.h"

/* clang-format off */
#define T PII_TRUE
#define M PII_MAYBE
#define F PII_FALSE
#define N(list) (sizeof(list) / sizeof(list)[0])

/* STR() is no constant to every compiler. */
#define NAME(lit)                {(lit), sizeof(lit) - 1}
#define TEXT(name, flag)         {NAME(name), flag, FIELD_TEXT, 0, NULL, NULL, false}
#define DEEP(name, flag)         {NAME(name), flag, FIELD_TEXT, 0, NULL, NULL, true}
#define FREE(name, flag)         {NAME(name), flag, FIELD_FREE, 0, NULL, NULL, false}
#define FREE_DEEP(name, flag)    {NAME(name), flag, FIELD_FREE, 0, NULL, NULL, true}
#define KIND(name, flag, kind)   {NAME(name), flag, kind, 0, NULL, NULL, false}
#define SUB(name, flag, kind, s) {NAME(name), flag, kind, 0, s, NULL, false}
#define TYPED(name, flag, t)     {NAME(name), flag, FIELD_TEXT, TYPE_BIT(t), NULL, NULL, false}
#define ALIAS(name, kind, s, as) {NAME(name), F, kind, 0, s, as, false}
/* clang-format on */

#define IDS                                                                                        \
	TEXT("trace_id", F), TEXT("span_id", F), TEXT("parent_span_id", F), TEXT("op", F),         \
		TEXT("status", F), TEXT("exclusive_time", F), TEXT("origin", F)

#endif
