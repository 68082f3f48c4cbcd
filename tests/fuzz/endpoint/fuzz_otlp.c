/* A request of OpenTelemetry, as Protocol Buffers and as JSON. */
#include "base/check.h"
#include "endpoint/otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_make((const char *)data, size);
	uint64_t count = 0;

	/* A record takes two bytes at least, an element of an array one and a comma. */
	if (otlp_count_protobuf(body, &count))
		check(count <= size / 2);
	for (int traces = 0; traces < 2; traces++) {
		count = 0;
		if (otlp_count_json(body, traces != 0, &count) == 0)
			check(count <= size / 2);
	}
	return 0;
}
