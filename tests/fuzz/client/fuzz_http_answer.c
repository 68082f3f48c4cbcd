/* The head of an HTTP answer, as the command line reads it: no input may read
 * past its end, and what is accepted is in range. */
#include <stdlib.h>

#include "base/check.h"
#include "client/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_answer a = {0, 0, BUF_INIT};
	struct err err = {E_OK, ""};
	uint64_t length = 0;
	bool has_length = false;
	int rc =
		http_parse_head(str_make((const char *)data, size), &a, &length, &has_length, &err);

	if (rc == E_OK) {
		check(a.status >= 100 && a.status <= 999);
		check(a.retry_after_s <= 86400);
		check(has_length || length == 0);
	} else {
		check(err.code == rc && err.text[0] != '\0');
	}
	return 0;
}
