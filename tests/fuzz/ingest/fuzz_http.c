/* Whole connections without sockets: bytes through the parser, heads through
 * the judging, credentials and answers. Fed at once and a few bytes at a time,
 * the same bytes must mean the same. */
#include <stdlib.h>

#include "base/check.h"
#include "ingest/head.h"

struct outcome {
	unsigned heads, complete, failed;
	uint64_t hash; /* of every fact and body byte, in order */
};

static void mix(struct outcome *o, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		o->hash = (o->hash ^ b[i]) * UINT64_C(1099511628211);
}

static void on_body(void *arg, const char *p, size_t n)
{
	mix(arg, p, n);
}

static const struct settings *settings(void)
{
	static const char *const env[] = {"PICKET_LISTEN_ALLOW_ORIGIN=http://a https://b",
		"PICKET_LISTEN_ALLOW_HOST=h", "PICKET_LISTEN_PATH_PREFIX=/p", NULL};
	static const struct settings_source from = {"/dev/null", env, true};
	static struct settings *loaded;
	struct err err;

	if (loaded == NULL)
		check(settings_load(&loaded, &from, &err) == E_OK);
	return loaded;
}

/* An answer is one head and one body, whatever the client wrote. */
static void check_answer(const struct head *head, const struct http *h, struct outcome *o)
{
	struct answer_frame f = {.cors = head->cors, .origin = h->values[FIELD_ORIGIN]};
	struct buf out = BUF_INIT;
	size_t end;

	answer_refused(&f, head->status, str_of(head->err.text), 1, h->values[FIELD_USER_AGENT],
		head->allow, &out);
	check(buf_ok(&out));
	end = str_find(buf_view(&out), STR("\r\n\r\n"));
	check(end + 4 < out.n && out.p[end + 4] == '{' && out.p[out.n - 1] == '}');
	mix(o, out.p, out.n);
	buf_fini(&out);
}

static void on_head(const struct http *h, bool is_unix, struct outcome *o)
{
	const struct guard_uids everybody = {.all = true};
	struct peer peer = {
		.is_unix = is_unix, .is_remote = !is_unix, .uid = -1, .text = "1.2.3.4"};
	const struct head_rules rules = {settings(), &everybody, !is_unix};
	struct head head;

	head_judge(h, &peer, &rules, &head);
	check(head.verdict != HEAD_REFUSE || (head.status >= 400 && head.err.text[0] != '\0'));
	mix(o, &head.verdict, sizeof head.verdict);
	mix(o, head.target.path.p, head.target.path.n);
	check_answer(&head, h, o);
	mix(o, h->rest.p, h->rest.n);
	if (head.verdict == HEAD_TAKE) {
		struct envelope *env = envelope_new();
		enum endpoint e = head.target.at.endpoint;
		struct endpoint_request *request;
		bool found = false;
		int rc;

		check(env != NULL);
		rc = head_identify(h, &peer, &head, env, &found, &head.err);
		check(rc != E_OK || env->from.project.n > 0 || e == ENDPOINT_STORE ||
			e == ENDPOINT_STREAM);
		check(head_request(h, &head, env, &request, &head.err) == E_OK);
		mix(o, &rc, sizeof rc);
		mix(o, env->from.key.p, env->from.key.n);
		mix(o, env->from.forwarded_for.p, env->from.forwarded_for.n);
		envelope_free(env);
	}
}

static struct outcome run(const char *p, size_t n, size_t piece, bool is_unix)
{
	struct outcome o = {.hash = UINT64_C(14695981039346656037)};
	struct http h;
	size_t at = 0, used;

	http_init(&h, 4096, on_body, &o);
	h.wants_rest = endpoint_wants_headers;
	while (o.failed == 0 && (at < n || http_paused(&h))) {
		size_t left = n - at;

		switch (http_feed(&h, p + at, left < piece ? left : piece, &used)) {
		case HTTP_WANTS_MORE:
			break;
		case HTTP_HAS_HEAD:
			o.heads++;
			on_head(&h, is_unix, &o);
			break;
		case HTTP_HAS_ALL:
			o.complete++;
			http_trim(&h);
			break;
		case HTTP_FAILED:
			check(h.fault_text != NULL);
			o.failed++;
			used = 0;
			break;
		}
		check(used <= left);
		at += used;
	}
	check(o.complete <= o.heads && o.heads <= o.complete + 1);
	http_fini(&h);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;
	size_t piece;

	if (size < 1)
		return 0;
	piece = 1 + (data[0] >> 1) % 7;
	whole = run((const char *)data + 1, size - 1, SIZE_MAX, data[0] & 1);
	pieces = run((const char *)data + 1, size - 1, piece, data[0] & 1);
	check(whole.failed == pieces.failed && whole.heads == pieces.heads);
	check(whole.hash == pieces.hash);
	return 0;
}
