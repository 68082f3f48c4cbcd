#include "envelope/drop.h"

static const char *const names[DROP_COUNT] = {[DROP_NONE] = "",
#define DROP_NAME(id, name) [DROP_##id] = (name),
	DROP_REASONS(DROP_NAME)
#undef DROP_NAME
};

const char *drop_name(enum drop_reason r)
{
	if ((unsigned)r >= DROP_COUNT)
		return "";
	return names[r];
}

bool drop_parse(struct str name, enum drop_reason *ret)
{
	for (unsigned r = DROP_NONE + 1; r < DROP_COUNT; r++) {
		if (str_eq(name, str_of(names[r]))) {
			*ret = (enum drop_reason)r;
			return true;
		}
	}
	return false;
}
