/* default_pii.h - what send_default_pii = no takes out (sdk-semantics 10.1).
 *
 * Fields that SDKs do not collect without their option of that name. Some
 * collect them all the same; here they go from everything that arrives.
 *
 * Owns     nothing.
 * Threads  as the document.
 * Fails    E_NOMEM
 */
#ifndef PICKET_SCRUB_DEFAULT_PII_H
#define PICKET_SCRUB_DEFAULT_PII_H

#include "scrub/scrubber.h"

int default_pii_strip(
	struct run *r, enum scrub_type t, struct json_doc *d, json_node root, struct meta *notes);

#endif
