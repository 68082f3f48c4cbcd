/* Any payload before a script that reads, copies, moves and deletes what it finds:
 * nothing may break, and what the script leaves alone may not change. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "hooks/hooks.h"

static const char script[] =
	"local function walk(t, depth)\n"
	"  if depth > 5 then return end\n"
	"  for k, v in pairs(t) do\n"
	"    if type(v) == 'table' then walk(v, depth + 1)\n"
	"    elseif type(v) == 'number' then t[k] = tostring(v)\n"
	"    elseif type(v) == 'boolean' then t[k] = nil\n"
	"    elseif type(v) == 'string' and #v > 3 then t[k] = {v, {copy = t}} end\n"
	"  end\n"
	"  if #t > 1 then t[#t + 1] = t[1] table.remove(t, 1) end\n"
	"end\n"
	"function before_send(event, hint)\n"
	"  walk(event, 0)\n"
	"  return event\n"
	"end\n"
	"function before_breadcrumb(event) return event end\n";

static struct hooks *hooks_make(void)
{
	char path[] = "fuzz-hooks-XXXXXX";
	struct hooks_options o = {path, 50000, 16 << 20};
	struct hooks *h;
	int fd = mkstemp(path);

	check(fd >= 0 && write(fd, script, sizeof script - 1) == (ssize_t)sizeof script - 1);
	check(close(fd) == 0);
	check(hooks_new(&h, &o, NULL) == E_OK);
	check(unlink(path) == 0);
	return h;
}

static void call(struct hooks *h, enum hook which, struct str payload)
{
	static const struct item empty = {.header_text = {"{}", 2}};
	struct envelope *e = envelope_new();
	struct item *it = arena_calloc(e->arena, 1, sizeof *it);
	struct hook_session *s;
	struct buf out = BUF_INIT;
	struct err err;
	json_node root;

	*it = empty;
	it->payload = payload;
	e->items = it;
	e->item_count = 1;
	if (item_payload(e, it) != NULL &&
		hooks_begin(h, e, (struct instant){0, 0}, &s, NULL) == E_OK) {
		root = json_root(it->document);
		if (json_type_of(it->document, root) == JSON_TYPE_OBJECT) {
			enum hook_outcome outcome =
				hooks_call(s, which, it, it->document, root, &err);

			json_write(it->document, root, &out);
			check(which != HOOK_BREADCRUMB || outcome == HOOK_KEPT);
			check(which != HOOK_BREADCRUMB ||
				str_find(payload, buf_view(&out)) < payload.n);
		}
		hooks_end(s);
	}
	buf_fini(&out);
	envelope_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hooks *h;
	struct str payload = str_make((const char *)data, size);

	if (h == NULL)
		h = hooks_make();
	call(h, HOOK_EVENT, payload);
	call(h, HOOK_BREADCRUMB, payload);
	return 0;
}
