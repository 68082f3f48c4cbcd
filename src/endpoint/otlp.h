/* otlp.h - how many spans or log records a request of OpenTelemetry has.
 *
 * Owns     nothing.
 * Threads  any.
 * Fails    E_SYNTAX, E_TOOBIG, E_NOMEM; the first returns false for what is malformed
 */
#ifndef PICKET_ENDPOINT_OTLP_H
#define PICKET_ENDPOINT_OTLP_H

#include <stdbool.h>

#include "base/str.h"

/* The way to a span and to a log record is the same. */
bool otlp_count_protobuf(struct str body, uint64_t *count);
int otlp_count_json(struct str body, bool is_traces, uint64_t *count);

#endif
