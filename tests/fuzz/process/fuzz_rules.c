/* Any condition and any actions: they are refused in a sentence, or they run over any
 * payload, and what comes out of JSON is still JSON, counted to the last span.
 *
 * The first byte chooses what the rule is on; then come the condition, the actions
 * and the payload, each ended by a zero byte.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "process/process.h"

static const struct {
	const char *on, *head;
} kinds[] = {{"event", "{\"type\":\"event\"}"}, {"transaction", "{\"type\":\"transaction\"}"},
	{"breadcrumb", "{\"type\":\"event\"}"}, {"span", "{\"type\":\"transaction\"}"},
	{"log", "{\"type\":\"log\",\"content_type\":\"application/vnd.sentry.items.log+json\"}"},
	{"any", "{\"type\":\"event\"}"}, {"attachment", "{\"type\":\"attachment\"}"},
	{"check_in", "{\"type\":\"check_in\"}"}};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* A line of a value that goes on is indented. */
static void add_value(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		buf_char(out, s.p[i]);
		if (s.p[i] == '\n')
			buf_char(out, '\t');
	}
	buf_char(out, '\n');
}

/* NULL: refused. */
static struct settings *settings_of(const char *on, struct str when, struct str then)
{
	struct settings_source from = {"fuzz.conf", NULL, true};
	struct settings *s = NULL;
	struct buf text = BUF_INIT;
	struct err err = {0};
	int rc;

	buf_cstr(&text, "[scrub]\ndefaults = no\ndeep = no\nip_addresses = no\n");
	buf_printf(&text, "[rule fuzz]\non = %s\nwhen = ", on);
	add_value(&text, when);
	buf_cstr(&text, "then = ");
	add_value(&text, then);
	rc = settings_parse_text(&s, buf_view(&text), &from, &err);
	if (rc == E_OK)
		rc = judge_attach(s, NULL, &err);
	buf_fini(&text);
	if (rc == E_OK)
		return s;
	check(err.text[0] != '\0');
	settings_unref(s);
	return NULL;
}

static bool is_json(struct str s)
{
	struct arena *a = arena_new(0, 0);
	struct json_doc *d;
	bool ok = a != NULL && json_parse(&d, a, s, NULL, NULL) == E_OK;

	arena_free(a);
	return ok;
}

static void judge(const struct settings *s, struct envelope *e)
{
	struct judge_state *state;
	struct process_result r;
	struct err err = {0};
	bool was_json = is_json(e->items[0].payload);

	check(judge_state_new(&state, &err) == E_OK);
	check(process_run(judge_of(s), state, e, (struct instant){1000, 1000}, &r, &err) == E_OK);
	check(e->item_count == 0 || !was_json || is_json(e->items[0].payload));
	process_result_fini(&r);
	judge_state_free(state);
}

static void run(const struct settings *s, const char *head, struct str payload)
{
	struct envelope *e = envelope_new();
	struct buf text = BUF_INIT;
	struct err err = {0};

	buf_printf(&text, "{\"event_id\":\"11111111111111111111111111111111\"}\n%s\n", head);
	for (size_t i = 0; i < payload.n; i++)
		buf_char(&text, payload.p[i] == '\n' ? ' ' : payload.p[i]);
	check(e != NULL && buf_ok(&text));
	if (envelope_parse(e, buf_view(&text), NULL, &err) == E_OK &&
		envelope_identify(e, &err) == E_OK &&
		envelope_measure(e, &e->invalid, &err) == E_OK && e->item_count == 1)
		judge(s, e);
	envelope_free(e);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest, when, then;
	struct settings *s;

	if (size < 2)
		return 0;
	rest = str_make((const char *)data + 1, size - 1);
	/* ${file:...} would read what is on this machine. */
	if (str_find(rest, STR("${")) < rest.n || !str_cut(&rest, '\0', &when) ||
		!str_cut(&rest, '\0', &then) || rest.p == NULL)
		return 0;
	s = settings_of(kinds[data[0] % KINDS].on, when, then);
	if (s != NULL)
		run(s, kinds[data[0] % KINDS].head, rest);
	settings_unref(s);
	return 0;
}
