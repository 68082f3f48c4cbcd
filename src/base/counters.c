#include "base/counters.h"

#include <string.h>

static const struct counter_info table[] = {
#define COUNTER_ROW(field, kind, name, help)                                                       \
	{name, help, COUNTER_##kind, offsetof(struct counters, field)},
	COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
};

const struct counter_info *counters_table(size_t *n)
{
	*n = sizeof table / sizeof table[0];
	return table;
}

uint64_t counters_get(const struct counters *c, const struct counter_info *info)
{
	uint64_t v;

	memcpy(&v, (const char *)c + info->offset, sizeof v);
	return v;
}
