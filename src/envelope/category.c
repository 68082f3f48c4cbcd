#include "envelope/category.h"

static const char *const names[CAT_COUNT] = {
#define CATEGORY_NAME(id, name) [CAT_##id] = (name),
	CATEGORIES(CATEGORY_NAME)
#undef CATEGORY_NAME
};

const char *category_name(enum category c)
{
	if ((unsigned)c >= CAT_COUNT)
		return "unknown";
	return names[c];
}

bool category_parse(struct str name, enum category *ret)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		if (str_eq(name, str_of(names[c]))) {
			*ret = (enum category)c;
			return true;
		}
	}
	if (str_eq(name, STR("user_report_v2"))) {
		*ret = CAT_FEEDBACK;
		return true;
	}
	return false;
}
