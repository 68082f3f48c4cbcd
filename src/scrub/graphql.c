/* Variables of GraphQL requests, and what the response says about them. */
#include "scrub/scrubber.h"

#define MAX_NAMES 256
#define MAX_DEPTH 64

struct names {
	struct str list[MAX_NAMES];
	size_t n;
	bool all; /* more than fit: every name counts */
};

static bool has(const struct names *names, struct str key)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->list[i], key))
			return true;
	return names->all;
}

static void filter(struct json_doc *d, json_node n, struct walk_tally *tally, int *rc)
{
	tally->replaced++;
	if (json_replace_string(d, n, STR("[Filtered]")) != E_OK)
		*rc = E_NOMEM;
}

static void filter_variables(struct json_doc *d, json_node variables, struct names *names,
	struct walk_tally *tally, int *rc)
{
	if (json_type_of(d, variables) != JSON_TYPE_OBJECT)
		return;
	for (json_node n = json_first(d, variables); n != JSON_NONE; n = json_next(d, n)) {
		if (names->n < MAX_NAMES)
			names->list[names->n++] = json_key(d, n);
		else
			names->all = true;
		filter(d, n, tally, rc);
	}
}

static void filter_response(struct json_doc *d, json_node object, const struct names *names,
	unsigned depth, struct walk_tally *tally, int *rc)
{
	for (json_node n = json_first(d, object); n != JSON_NONE; n = json_next(d, n)) {
		if (json_type_of(d, n) != JSON_TYPE_OBJECT) {
			if (has(names, json_key(d, n)))
				filter(d, n, tally, rc);
		} else if (depth < MAX_DEPTH) {
			filter_response(d, n, names, depth + 1, tally, rc); /* MAX_DEPTH deep */
		} else {
			filter(d, n, tally, rc);
		}
	}
}

void graphql_scrub(struct json_doc *d, json_node root, struct walk_tally *tally, int *rc)
{
	json_node request = json_get(d, root, STR("request"));
	json_node data = json_get(d, request, STR("data"));
	json_node response = json_find(d, root, "contexts.response");
	json_node inner = json_get(d, json_get(d, response, STR("data")), STR("data"));
	struct str type = json_text(d, json_get(d, response, STR("type")));
	struct names names = {.n = 0};

	if (!str_ieq(json_text(d, json_get(d, request, STR("api_target"))), STR("graphql")) ||
		json_type_of(d, data) != JSON_TYPE_OBJECT)
		return;
	filter_variables(d, json_get(d, data, STR("variables")), &names, tally, rc);
	if (json_type_of(d, inner) != JSON_TYPE_OBJECT ||
		(type.n > 0 && !str_eq(type, STR("response"))))
		return;
	if (names.n > 0) {
		filter_response(d, inner, &names, 0, tally, rc);
	} else {
		tally->removed++;
		if (json_remove(d, inner) != E_OK)
			*rc = E_NOMEM;
	}
}
