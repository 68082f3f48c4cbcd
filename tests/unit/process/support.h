/* support.h - one envelope through judging, for tests. */
#ifndef TEST_PROCESS_SUPPORT_H
#define TEST_PROCESS_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>

#include "process/process.h"
#include "scrub/scrub.h"

/* What is asserted here are bytes; scrubbing has tests of its own. */
#define UNSCRUBBED "[scrub]\ndefaults = no\ndeep = no\nip_addresses = no\n"

struct bench {
	struct settings *settings;
	struct judge_state *state;
	struct instant now;
	struct envelope *e;
	struct process_result r;
	struct quantities before; /* held before judging */
};

static inline void bench_open(struct bench *b, const char *config)
{
	struct settings_source from = {"t.conf", NULL, true};
	struct buf text = BUF_INIT;
	struct err err = {0};

	memset(b, 0, sizeof *b);
	buf_cstr(&text, strstr(config, "[scrub]") == NULL ? UNSCRUBBED : "");
	buf_cstr(&text, config);
	assert_true(buf_ok(&text));
	b->now = (struct instant){1000, INT64_C(1795000000000)};
	if (settings_parse_text(&b->settings, buf_view(&text), &from, &err) != E_OK ||
		judge_attach(b->settings, NULL, &err) != E_OK ||
		judge_state_new(&b->state, &err) != E_OK)
		fail_msg("%s", err.text);
	buf_fini(&text);
}

static inline void bench_forget(struct bench *b)
{
	envelope_free(b->e);
	process_result_fini(&b->r);
	b->e = NULL;
}

static inline void bench_close(struct bench *b)
{
	bench_forget(b);
	settings_unref(b->settings);
	judge_state_free(b->state);
}

/* Other settings, as after a reload; what is remembered stays. */
static inline void bench_reload(struct bench *b, const char *config)
{
	struct judge_state *state = b->state;
	struct judge_state *fresh;

	bench_forget(b);
	settings_unref(b->settings);
	bench_open(b, config);
	fresh = b->state;
	b->state = state;
	judge_state_free(fresh);
}

/* Of everything received, some is held and some is dropped (the law). */
static inline void bench_check_law(const struct bench *b)
{
	for (unsigned c = 0; c < CAT_COUNT; c++) {
		uint64_t sum = b->e->held.of[c];

		/* Edits change sizes: bytes are what was held or dropped then. */
		if (c == CAT_LOG_BYTE || c == CAT_TRACE_METRIC_BYTE)
			continue;
		for (unsigned why = 0; b->r.dropped != NULL && why < DROP_COUNT; why++)
			sum += b->r.dropped[why].of[c];
		if (sum != b->before.of[c])
			fail_msg("%s: %llu before, %llu after", category_name((enum category)c),
				(unsigned long long)b->before.of[c], (unsigned long long)sum);
	}
}

static inline void bench_run_str(struct bench *b, struct str text)
{
	struct scrub_tally scrubbed;
	struct err err = {0};

	bench_forget(b);
	b->e = envelope_new();
	assert_non_null(b->e);
	text = arena_dup(b->e->arena, text); /* it stays for as long as the envelope */
	assert_non_null(text.p);
	if (envelope_parse(b->e, text, NULL, &err) != E_OK ||
		envelope_identify(b->e, &err) != E_OK ||
		envelope_measure(b->e, &b->e->invalid, &err) != E_OK)
		fail_msg("%s", err.text);
	b->e->from.key = STR("app");
	b->e->from.project = STR("1");
	b->e->from.peer_pid = -1;
	b->e->from.received = b->now;
	b->before = b->e->held;
	if (process_run(judge_of(b->settings), b->state, b->e, b->now, &b->r, &err) != E_OK ||
		process_scrub(judge_of(b->settings), b->e, &b->r, &scrubbed, &err) != E_OK)
		fail_msg("%s", err.text);
	bench_check_law(b);
}

static inline void bench_run(struct bench *b, const char *text)
{
	bench_run_str(b, str_of(text));
}

static inline uint64_t dropped(const struct bench *b, enum drop_reason why, enum category c)
{
	return b->r.dropped != NULL ? b->r.dropped[why].of[c] : 0;
}

static inline bool has_item(const struct bench *b, enum item_type type)
{
	for (size_t i = 0; i < b->e->item_count; i++)
		if (b->e->items[i].type == type)
			return true;
	return false;
}

/* The whole envelope as it would be stored; valid until the next call. */
static inline const char *written(struct bench *b)
{
	static char text[262144];
	struct buf out = BUF_INIT;

	envelope_write_header(b->e, &out);
	buf_char(&out, '\n');
	envelope_write_items(b->e, &out);
	buf_char(&out, '\0');
	assert_true(buf_ok(&out) && out.n <= sizeof text);
	memcpy(text, out.p, out.n);
	buf_fini(&out);
	return text;
}

#endif
