/* meta.h - remarks about what was changed, as SDKs write them in "_meta".
 *
 * Only documents of events and transactions have a place for them.
 *
 * Owns     nothing; texts are arena memory.
 * Threads  as its document.
 * Fails    E_NOMEM; a "_meta" that is no object is left alone
 */
#ifndef PICKET_RULES_META_H
#define PICKET_RULES_META_H

#include "json/json.h"

#define META_DEPTH_MAX 64u

/* Sets keys below node to raw, making objects where there are none. E_INVAL:
 * something else stands in the way. */
int keys_set(struct json_doc *d, struct arena *a, json_node node, const struct str *keys, size_t n,
	struct str raw);

/* "len" of a list that lost elements: what it had at first. An earlier len stays
 * when it is greater (sdk-semantics 7.1). Of breadcrumbs the SDKs write it
 * without "values". */
int meta_list_length(struct json_doc *d, struct arena *a, json_node list, size_t before);
/* "rem" and "len" of a text that was cut. */
int meta_cut(struct json_doc *d, struct arena *a, json_node text, size_t before, size_t max);
/* "rem" of a value that was filtered. */
int meta_filtered(struct json_doc *d, struct arena *a, json_node value);

#endif
