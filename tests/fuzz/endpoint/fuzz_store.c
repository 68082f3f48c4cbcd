/* Bodies and queries of the store endpoint, from clients of both kinds. */
#include "fuzz/endpoint/take.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char prefix[] = "sentry_data=";
	struct str body = str_make((const char *)data, size);
	char *query = malloc(sizeof prefix + size);

	check(query != NULL);
	memcpy(query, prefix, sizeof prefix - 1);
	if (size > 0)
		memcpy(query + sizeof prefix - 1, data, size);
	fuzz_take("POST", STR("/api/42/store/"), STR_EMPTY, STR_EMPTY, body, "raven-node/1");
	fuzz_take("POST", STR("/api/42/store/"), STR_EMPTY, STR_EMPTY, body, "raven-python/1");
	fuzz_take("GET", STR("/api/store/"), str_make(query, sizeof prefix - 1 + size), STR_EMPTY,
		STR_EMPTY, "raven-js/1");
	free(query);
	return 0;
}
