/* Any request: its first line is "METHOD PATH?QUERY", then header lines to an
 * empty one, then the body. */
#include "fuzz/endpoint/take.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make((const char *)data, size), line = STR_EMPTY, method, headers;
	size_t end, mark;

	(void)str_cut(&rest, '\n', &line);
	if (!str_cut(&line, ' ', &method) || line.n == 0 || line.p[0] != '/')
		return 0;
	end = str_find(rest, STR("\n\n"));
	headers = str_first(rest, end + 1);
	rest = str_from(rest, end + 2);
	mark = str_find_char(line, '?');
	fuzz_take(str_eq(method, STR("GET")) ? "GET" : "POST", str_first(line, mark),
		str_from(line, mark + 1), headers, rest, "");
	return 0;
}
