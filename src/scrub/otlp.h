/* otlp.h - OpenTelemetry's traces and logs in protobuf, taken apart.
 *
 * Attributes are judged as those of spans and logs are, with their names for
 * keys; bodies of logs and messages of statuses are text. What no table names
 * is copied as it is.
 *
 * Owns     nothing.
 * Threads  one at a time.
 * Fails    E_SYNTAX   not such a request
 *          E_NOMEM
 */
#ifndef PICKET_SCRUB_OTLP_H
#define PICKET_SCRUB_OTLP_H

#include "scrub/scrubber.h"

/* *out is in itself when nothing changed, else in the arena. */
int otlp_scrub(struct run *r, bool is_logs, struct str in, struct str *out);

#endif
