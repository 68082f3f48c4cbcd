#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/envelope/support.h"

#include "base/rng.h"
#include "envelope/bounds.h"
#include "envelope/divide.h"

#define LOGS  "\"content_type\":\"application/vnd.sentry.items.log+json\",\"item_count\":1"
#define SPANS "\"content_type\":\"application/vnd.sentry.items.span.v2+json\",\"item_count\":1"
#define OWNED "\"content_type\":\"application/vnd.sentry.trace-attachment\",\"span_id\":null"
#define DUMP  "\"attachment_type\":\"event.minidump\""
#define A     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C     "cccccccccccccccccccccccccccccccc"

/* The table of 9.3. */
static const struct item_limits table = {
	.event = 1 << 20,
	.attachment = 200 << 20,
	.attachments = 200 << 20,
	.attachment_count = 30,
	.replay = 10 << 20,
	.session = 10 << 20,
	.session_count = 100,
	.client_report = 100 << 10,
	.client_report_count = 100,
	.profile = 50 << 20,
	.check_in = 100 << 10,
	.statsd = 1 << 20,
	.metric_buckets = 1 << 20,
	.log = 12 << 20,
	.trace_metric = 12 << 20,
	.span = 12 << 20,
	.span_count = 25,
};

struct divided {
	struct envelope *e, *pieces;
	size_t n;
	struct buf body;
};

static void item_add(struct divided *d, const char *header, const char *payload)
{
	buf_printf(&d->body, "{%s}\n%s\n", header, payload);
}

static void start(struct divided *d, const char *head)
{
	*d = (struct divided){.body = BUF_INIT};
	buf_printf(&d->body, "%s\n", head);
}

static void divide(struct divided *d, const struct item_limits *l)
{
	struct quantities sum = {{0}};
	struct err err = {0};
	size_t items = 0;

	d->e = parsed(buf_view(&d->body));
	assert_int_equal(envelope_identify(d->e, NULL), E_OK);
	assert_int_equal(envelope_measure(d->e, &d->e->invalid, NULL), E_OK);
	if (envelope_divide(d->e, l, &d->pieces, &d->n, &err) != E_OK)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < d->n; i++) {
		quantities_merge(&sum, &d->pieces[i].held);
		items += d->pieces[i].item_count;
		assert_true(d->pieces[i].item_count > 0 || d->n == 1);
	}
	assert_int_equal(items, d->e->item_count);
	assert_memory_equal(&sum, &d->e->held, sizeof sum);
}

static void end(struct divided *d)
{
	envelope_free(d->e);
	buf_fini(&d->body);
}

/* Types and payloads of a piece as one line: "event=a attachment=b". */
static void assert_piece(const struct divided *d, size_t k, const char *want)
{
	const struct envelope *p = &d->pieces[k];
	struct buf line = BUF_INIT;

	assert_true(k < d->n);
	for (size_t i = 0; i < p->item_count; i++) {
		if (i > 0)
			buf_char(&line, ' ');
		buf_str(&line, p->items[i].type_name);
		buf_char(&line, '=');
		buf_str(&line, p->items[i].payload);
	}
	assert_str(buf_view(&line), want);
	buf_fini(&line);
}

static void assert_id(struct divided *d, size_t k, const char *want)
{
	struct buf head = BUF_INIT;
	char hex[EVENT_ID_HEX_BYTES], member[64];

	event_id_hex(&d->pieces[k].event_id, hex);
	assert_string_equal(hex, want);
	envelope_write_header(&d->pieces[k], &head);
	(void)snprintf(member, sizeof member, "\"event_id\":\"%s\"", want);
	assert_true(str_find(buf_view(&head), str_of(member)) < head.n);
	buf_fini(&head);
}

static void the_usual_envelope_stays_as_it_is(void **state) /* P-071 */
{
	struct divided d;

	(void)state;
	start(&d, "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"event\"", "1");
	item_add(&d, "\"type\":\"attachment\"," DUMP, "2");
	item_add(&d, "\"type\":\"session\"", "3");
	item_add(&d, "\"type\":\"client_report\"", "4");
	item_add(&d, "\"type\":\"brand_new\"", "5");
	divide(&d, &table);
	assert_int_equal(d.n, 1);
	assert_ptr_equal(d.pieces, d.e);
	end(&d);
}

static void of_101_sessions_100_go_first(void **state) /* P-063 */
{
	struct divided d;

	(void)state;
	for (size_t n = 99; n <= 201; n++) {
		start(&d, "{}");
		for (size_t i = 0; i < n; i++)
			item_add(&d, i % 2 == 0 ? "\"type\":\"session\"" : "\"type\":\"sessions\"",
				"{}");
		divide(&d, &table);
		assert_int_equal(d.n, (n + 99) / 100);
		assert_int_equal(d.pieces[0].item_count, n < 100 ? n : 100);
		end(&d);
	}
}

static void event_and_replay_go_apart_with_their_ids(void **state) /* P-065, P-072 */
{
	struct divided d;

	(void)state;
	start(&d, "{\"event_id\":\"" A "\",\"sdk\":{\"name\":\"x\"}}");
	item_add(&d, "\"type\":\"replay_recording\"", "r");
	item_add(&d, "\"type\":\"event\"", "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"attachment\"", "a");
	item_add(&d, "\"type\":\"replay_event\"", "{\"event_id\":\"" B "\"}");
	item_add(&d, "\"type\":\"replay_video\"", "v");
	divide(&d, &table);
	assert_int_equal(d.n, 2);
	assert_piece(&d, 0, "event={\"event_id\":\"" A "\"} attachment=a");
	assert_piece(
		&d, 1, "replay_recording=r replay_event={\"event_id\":\"" B "\"} replay_video=v");
	assert_id(&d, 0, A);
	assert_id(&d, 1, B);
	end(&d);
}

static void the_header_id_belongs_to_the_event_that_tells_it(void **state) /* P-057 */
{
	struct divided d;

	(void)state;
	start(&d, "{\"event_id\":\"" B "\"}");
	item_add(&d, "\"type\":\"event\"", "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"event\"", "{\"event_id\":\"" B "\"}");
	item_add(&d, "\"type\":\"event\"", "{}");
	item_add(&d, "\"type\":\"attachment\"", "of b");
	divide(&d, &table);
	assert_int_equal(d.n, 3);
	assert_id(&d, 0, A);
	assert_id(&d, 1, B);
	assert_id(&d, 2, B); /* tells none of its own */
	assert_int_equal(d.pieces[1].item_count, 2);
	end(&d);
}

static void attachments_beyond_the_count_follow_under_the_same_id(void **state) /* P-071 */
{
	struct divided d;

	(void)state;
	start(&d, "{\"event_id\":\"" A "\"}");
	for (int i = 0; i < 31; i++)
		item_add(&d, "\"type\":\"attachment\"", "a");
	item_add(&d, "\"type\":\"attachment\"," DUMP, "dump");
	item_add(&d, "\"type\":\"event\"", "{}");
	item_add(&d, "\"type\":\"event\"", "{\"event_id\":\"" C "\"}");
	divide(&d, &table);
	assert_int_equal(d.n, 3);
	assert_int_equal(d.pieces[0].item_count, 31);
	assert_int_equal(d.pieces[0].items[29].creates_event, true);
	assert_int_equal(d.pieces[0].items[30].type, ITEM_EVENT);
	assert_piece(&d, 1, "event={\"event_id\":\"" C "\"}");
	assert_piece(&d, 2, "attachment=a attachment=a"); /* never with another's event */
	assert_id(&d, 2, A);
	end(&d);
}

static void attachments_beyond_the_size_follow_in_order(void **state)
{
	struct item_limits l = table;
	struct divided d;

	(void)state;
	l.attachments = 5;
	start(&d, "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"attachment\"", "111");
	item_add(&d, "\"type\":\"attachment\"", "222");
	item_add(&d, "\"type\":\"attachment\"", "3");
	item_add(&d, "\"type\":\"event\"", "{}");
	divide(&d, &l);
	assert_int_equal(d.n, 2);
	assert_piece(&d, 0, "attachment=111 event={}");
	assert_piece(&d, 1, "attachment=222 attachment=3");
	end(&d);
}

static void two_containers_never_share_an_envelope(void **state) /* P-066 */
{
	struct divided d;

	(void)state;
	start(&d, "{\"trace\":{\"trace_id\":\"" A "\"}}");
	item_add(&d, "\"type\":\"log\"," LOGS, "{\"items\":[1]}");
	item_add(&d, "\"type\":\"span\"," SPANS, "{\"items\":[2]}");
	item_add(&d, "\"type\":\"log\"," LOGS, "{\"items\":[3]}");
	item_add(&d, "\"type\":\"attachment\"," OWNED, "of spans");
	item_add(&d, "\"type\":\"check_in\"", "{}");
	item_add(&d, "\"type\":\"check_in\"", "[]");
	divide(&d, &table);
	assert_int_equal(d.n, 2);
	assert_piece(
		&d, 0, "log={\"items\":[1]} span={\"items\":[2]} attachment=of spans check_in={}");
	assert_piece(&d, 1, "log={\"items\":[3]} check_in=[]");
	assert_ptr_equal(d.pieces[0].header, d.pieces[1].header);
	end(&d);
}

static void a_profile_stays_with_its_transaction(void **state) /* 11.4 */
{
	struct divided d;

	(void)state;
	start(&d, "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"profile_chunk\",\"platform\":\"python\"", "0");
	item_add(&d, "\"type\":\"profile\"", "1");
	item_add(&d, "\"type\":\"profile\"", "2");
	item_add(&d, "\"type\":\"transaction\"", "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"transaction\"", "{\"event_id\":\"" B "\"}");
	divide(&d, &table);
	assert_int_equal(d.n, 3);
	assert_piece(&d, 0, "profile=1 transaction={\"event_id\":\"" A "\"}");
	assert_piece(&d, 1, "profile=2 transaction={\"event_id\":\"" B "\"}");
	assert_piece(&d, 2, "profile_chunk=0");
	end(&d);
}

static void recordings_without_replay_go_in_pairs_with_videos(void **state) /* P-072 */
{
	struct divided d;

	(void)state;
	start(&d, "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"replay_recording\"", "1");
	item_add(&d, "\"type\":\"replay_recording\"", "2");
	item_add(&d, "\"type\":\"replay_video\"", "3");
	divide(&d, &table);
	assert_int_equal(d.n, 2);
	assert_true(d.e->held.of[CAT_REPLAY] == 2);
	assert_piece(&d, 0, "replay_recording=1 replay_video=3");
	assert_piece(&d, 1, "replay_recording=2");
	end(&d);
}

static void what_was_invalid_is_told_once(void **state)
{
	struct divided d;

	(void)state;
	start(&d, "{}");
	item_add(&d, "\"type\":\"log\"," LOGS, "junk");
	item_add(&d, "\"type\":\"check_in\"", "1");
	item_add(&d, "\"type\":\"check_in\"", "2");
	divide(&d, &table);
	assert_int_equal(d.n, 2);
	assert_true(d.pieces[0].invalid.of[CAT_LOG_ITEM] == 1);
	assert_true(quantities_empty(&d.pieces[1].invalid));
	end(&d);
}

static void what_is_too_much_anyway_is_refused(void **state) /* P-062 */
{
	struct envelope *pieces;
	struct item_limits l = table;
	struct err err = {0};
	struct divided d;
	size_t n;

	(void)state;
	l.event = 1;
	start(&d, "{\"event_id\":\"" A "\"}");
	item_add(&d, "\"type\":\"event\"", "{}");
	d.e = parsed(buf_view(&d.body));
	assert_int_equal(envelope_divide(d.e, &l, &pieces, &n, &err), E_TOOBIG);
	assert_true(err.text[0] != '\0');
	end(&d);
	start(&d, "{}");
	for (unsigned i = 0; i <= DIVIDE_PIECES_MAX; i++)
		item_add(&d, "\"type\":\"check_in\"", "1");
	d.e = parsed(buf_view(&d.body));
	assert_int_equal(envelope_divide(d.e, &table, &pieces, &n, &err), E_TOOBIG);
	end(&d);
}

/* --- any mixture --------------------------------------------------------------- */

static const struct {
	const char *header;
	const char *payload;
} kinds[] = {
	{"\"type\":\"event\"", "{\"event_id\":\"" A "\"}"},
	{"\"type\":\"event\"", "{\"event_id\":\"" B "\"}"},
	{"\"type\":\"event\"", "{}"},
	{"\"type\":\"transaction\"", "{\"spans\":[1,2]}"},
	{"\"type\":\"feedback\"", "{\"event_id\":\"" C "\"}"},
	{"\"type\":\"replay_event\"", "{\"event_id\":\"" C "\"}"},
	{"\"type\":\"replay_recording\"", "rec"},
	{"\"type\":\"replay_video\"", "vid"},
	{"\"type\":\"attachment\"", "att"},
	{"\"type\":\"attachment\"", "attachment"},
	{"\"type\":\"attachment\"," OWNED, "span's"},
	{"\"type\":\"user_report\"", "{}"},
	{"\"type\":\"profile\",\"platform\":\"python\"", "{}"},
	{"\"type\":\"profile_chunk\",\"platform\":\"python\"", "{}"},
	{"\"type\":\"session\"", "{}"},
	{"\"type\":\"sessions\"", "{\"aggregates\":[{\"exited\":3}]}"},
	{"\"type\":\"client_report\"", "{}"},
	{"\"type\":\"log\"," LOGS, "{\"items\":[{}]}"},
	{"\"type\":\"span\"," SPANS, "{\"items\":[{}]}"},
	{"\"type\":\"span\"", "{}"},
	{"\"type\":\"statsd\"", "a:1|c"},
	{"\"type\":\"metric_buckets\"", "[1,2]"},
	{"\"type\":\"check_in\"", "{}"},
	{"\"type\":\"brand_new\"", "?"},
};

static const struct item_limits tight = {
	.attachments = 20,
	.attachment_count = 3,
	.session_count = 2,
	.client_report_count = 2,
	.span_count = 2,
};

static void assert_within(const struct envelope *p, const struct item_limits *l)
{
	uint64_t count[BOUND_COUNT] = {0}, bytes[BOUND_COUNT] = {0};
	struct bound bounds[BOUND_COUNT];

	bounds_of(l, bounds);
	for (size_t i = 0; i < p->item_count; i++) {
		enum bound_group g = bound_group_of(&p->items[i]);

		assert_false(bound_exceeded(++count[g], bounds[g].count));
		assert_false(bound_exceeded(bytes[g] += p->items[i].payload.n, bounds[g].all));
	}
}

/* What is stored reads back as the same items, which count the same. */
static void assert_reads_back(struct envelope *p)
{
	struct buf text = BUF_INIT;
	struct quantities invalid;
	struct envelope *again;

	envelope_write_header(p, &text);
	buf_char(&text, '\n');
	envelope_write_items(p, &text);
	again = parsed(buf_view(&text));
	assert_int_equal(envelope_measure(again, &invalid, NULL), E_OK);
	assert_int_equal(again->item_count, p->item_count);
	assert_memory_equal(&again->held, &p->held, sizeof p->held);
	assert_true(event_id_eq(&again->event_id, &p->event_id));
	for (size_t i = 0; i < p->item_count; i++)
		assert_true(str_eq(again->items[i].payload, p->items[i].payload));
	envelope_free(again);
	buf_fini(&text);
}

/* Items of one group stand in their order, over all pieces. */
static void assert_in_order(const struct divided *d)
{
	const char *last[BOUND_COUNT] = {NULL};

	for (size_t k = 0; k < d->n; k++) {
		const char *before = NULL;

		for (size_t i = 0; i < d->pieces[k].item_count; i++) {
			const struct item *it = &d->pieces[k].items[i];
			enum bound_group g = bound_group_of(it);
			bool is_free = g == BOUND_SESSION || g == BOUND_LOG || g == BOUND_SPANS ||
				       g == BOUND_SPAN || g == BOUND_EVENT || g == BOUND_REPORT;

			assert_true(before < it->payload.p);
			assert_true(!is_free || last[g] < it->payload.p);
			before = last[g] = it->payload.p;
		}
	}
}

static void any_mixture_is_divided_within_the_table(void **state) /* P-064 */
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 4711);
	for (int round = 0; round < 3000; round++) {
		size_t n = 1 + rng_below(&rng, 24);
		uint64_t minidump = rng_below(&rng, 4);
		struct divided d;

		start(&d, round % 3 == 0 ? "{\"event_id\":\"" B "\"}" : "{}");
		for (size_t i = 0; i < n; i++) {
			size_t k = rng_below(&rng, COUNT_OF(kinds));

			item_add(&d, kinds[k].header, kinds[k].payload);
			if (i == 3 && minidump == 0)
				item_add(&d, "\"type\":\"attachment\"," DUMP, "dump");
		}
		divide(&d, &tight);
		for (size_t k = 0; k < d.n; k++) {
			assert_within(&d.pieces[k], &tight);
			assert_reads_back(&d.pieces[k]);
		}
		assert_in_order(&d);
		end(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_envelope_stays_as_it_is),
		cmocka_unit_test(of_101_sessions_100_go_first),
		cmocka_unit_test(event_and_replay_go_apart_with_their_ids),
		cmocka_unit_test(the_header_id_belongs_to_the_event_that_tells_it),
		cmocka_unit_test(attachments_beyond_the_count_follow_under_the_same_id),
		cmocka_unit_test(attachments_beyond_the_size_follow_in_order),
		cmocka_unit_test(two_containers_never_share_an_envelope),
		cmocka_unit_test(a_profile_stays_with_its_transaction),
		cmocka_unit_test(recordings_without_replay_go_in_pairs_with_videos),
		cmocka_unit_test(what_was_invalid_is_told_once),
		cmocka_unit_test(what_is_too_much_anyway_is_refused),
		cmocka_unit_test(any_mixture_is_divided_within_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
