#include "forward/transfer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"

/* Answers of Sentry are a few bytes. Whoever sends more is not waited for. */
#define ANSWER_MAX_BYTES (256u * 1024u)
/* Per captured header, all lines together. */
#define HEADER_MAX_BYTES 8192u
#define BUFFER_BYTES     8192L
#define UPLOAD_BYTES     16384L

struct transfer *transfer_new(void)
{
	struct transfer *tr = calloc(1, sizeof *tr);

	if (tr == NULL)
		return NULL;
	buf_init(&tr->rate_limits, HEADER_MAX_BYTES);
	buf_init(&tr->retry_after, HEADER_MAX_BYTES);
	return tr;
}

void transfer_free(struct transfer *tr)
{
	curl_easy_cleanup(tr->easy); /* NULL is fine */
	buf_fini(&tr->rate_limits);
	buf_fini(&tr->retry_after);
	free(tr);
}

/* --- the answer ---------------------------------------------------------------- */

static void capture(struct buf *b, struct str line, size_t name_bytes)
{
	struct str value = str_trim(str_from(line, name_bytes));

	if (b->n > 0)
		buf_cstr(b, ", "); /* several lines are one list (P-094) */
	buf_str(b, value);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	static const struct str limits = {"x-sentry-rate-limits:", 21};
	static const struct str after = {"retry-after:", 12};
	struct transfer *tr = arg;
	struct str line = str_make(p, size * n);

	if (str_istarts(line, STR("HTTP/"))) {
		/* A proxy's answer or a 100 came before: not what counts. */
		buf_clear(&tr->rate_limits);
		buf_clear(&tr->retry_after);
		tr->is_complete = false;
	} else if (str_istarts(line, limits)) {
		capture(&tr->rate_limits, line, limits.n);
	} else if (str_istarts(line, after)) {
		capture(&tr->retry_after, line, after.n);
	} else if (str_trim(line).n == 0) {
		tr->is_complete = true;
	}
	return line.n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *tr = arg;

	(void)p;
	tr->answer_bytes += size * n;
	if (tr->answer_bytes <= ANSWER_MAX_BYTES)
		return size * n;
	tr->is_overlong = true;
	return 0;
}

/* --- set up --------------------------------------------------------------------- */

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (curl_easy_setopt(tr->easy, (option), (value)) != CURLE_OK)                     \
			return E_NOMEM;                                                            \
	} while (0)

static int setup_network(struct transfer *tr, const struct settings *s)
{
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)s->upstream.connect_timeout);
	SET(CURLOPT_HTTP_VERSION,
		s->upstream.http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
	/* Rather a place on a connection that is being opened than one of our own:
	 * it will most likely take many. */
	SET(CURLOPT_PIPEWAIT, s->upstream.http2 ? 1L : 0L);
	if (s->upstream.ca_file[0] != '\0')
		SET(CURLOPT_CAINFO, s->upstream.ca_file);
	if (s->upstream.client_cert[0] != '\0')
		SET(CURLOPT_SSLCERT, s->upstream.client_cert);
	if (s->upstream.client_key[0] != '\0')
		SET(CURLOPT_SSLKEY, s->upstream.client_key);
	/* "" tells libcurl to use none, not even the environment's. */
	if (strcmp(s->upstream.proxy, "off") == 0)
		SET(CURLOPT_PROXY, "");
	else if (s->upstream.proxy[0] != '\0')
		SET(CURLOPT_PROXY, s->upstream.proxy);
	return E_OK;
}

static int setup_handle(struct transfer *tr, const struct settings *s)
{
	curl_easy_reset(tr->easy);
	SET(CURLOPT_PRIVATE, (char *)tr);
	SET(CURLOPT_ERRORBUFFER, tr->error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_NOPROGRESS, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L); /* P-111 */
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, tr);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, tr);
	SET(CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BYTES);
	return setup_network(tr, s);
}

/* libcurl reads the list and leaves it alone, so that nothing is copied. */
static int setup_headers(struct transfer *tr, const char *const *headers)
{
	/* An empty value takes out what libcurl would add of its own; a line of ours
	 * for the same name stays. */
	static char *const none[] = {"Expect:", "Accept:", "Content-Type:"};
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
		tr->headers[n++].data = none[i];
	for (; *headers != NULL; headers++) {
		if (n == TRANSFER_HEADERS)
			return E_INVAL;
		tr->headers[n++].data = (char *)(uintptr_t)*headers;
	}
	for (unsigned i = 0; i < n; i++)
		tr->headers[i].next = i + 1 < n ? &tr->headers[i + 1] : NULL;
	SET(CURLOPT_HTTPHEADER, &tr->headers[0]);
	return E_OK;
}

static int setup_exchange(struct transfer *tr)
{
	const struct exchange *x = tr->x;
	bool has_method = x->method != NULL && x->method[0] != '\0';
	int rc = setup_headers(tr, x->headers);

	if (rc != E_OK)
		return rc;
	SET(CURLOPT_URL, x->url);
	SET(CURLOPT_TIMEOUT_MS, (long)x->timeout_ms);
	SET(CURLOPT_CUSTOMREQUEST, has_method ? x->method : NULL);
	SET(CURLOPT_NOBODY, has_method && strcmp(x->method, "HEAD") == 0 ? 1L : 0L);
	if (x->body.n == 0 && (!has_method || strcmp(x->method, "GET") == 0)) {
		SET(CURLOPT_HTTPGET, 1L);
		return E_OK;
	}
	if (has_method && strcmp(x->method, "HEAD") == 0)
		return E_OK;
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.n);
	SET(CURLOPT_POSTFIELDS, x->body.p);
	return E_OK;
}

int transfer_start(struct transfer *tr, const struct settings *s, unsigned generation)
{
	int rc;

	if (tr->easy == NULL) {
		tr->easy = curl_easy_init();
		tr->generation = 0;
		if (tr->easy == NULL)
			return E_NOMEM;
	}
	if (tr->generation != generation) {
		tr->generation = 0;
		rc = setup_handle(tr, s);
		if (rc != E_OK)
			return rc;
		tr->generation = generation;
	}
	buf_clear(&tr->rate_limits);
	buf_clear(&tr->retry_after);
	tr->answer_bytes = 0;
	tr->is_overlong = false;
	tr->is_complete = false;
	tr->error[0] = '\0';
	return setup_exchange(tr);
}

/* --- end ------------------------------------------------------------------------ */

static int rc_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return E_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return E_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return E_NOMEM;
	default:
		return E_NET;
	}
}

static bool is_untrusted(CURLcode code)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return true;
	default:
		return false;
	}
}

/* NULL: the header was not there. */
static char *header_text(struct buf *b)
{
	if (b->n == 0)
		return NULL;
	/* The bound is for the text: its end always finds room. */
	b->max = 0;
	buf_char(b, '\0');
	b->max = HEADER_MAX_BYTES;
	return buf_ok(b) ? b->p : NULL;
}

void transfer_finish(struct transfer *tr, CURLcode code)
{
	struct exchange *x = tr->x;
	long status = 0, version = 0;

	if (code == CURLE_WRITE_ERROR && tr->is_overlong)
		code = CURLE_OK;
	x->rc = rc_of(code);
	x->is_untrusted = is_untrusted(code);
	(void)curl_easy_getinfo(tr->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(tr->easy, CURLINFO_HTTP_VERSION, &version);
	x->status = x->rc == E_OK ? (int)status : 0;
	x->is_multiplexed = version == CURL_HTTP_VERSION_2_0;
	if (x->rc == E_OK && (status == 0 || !tr->is_complete))
		x->rc = E_NET;
	if (x->rc != E_OK) {
		(void)snprintf(x->detail, sizeof x->detail, "%.*s", (int)sizeof x->detail - 1,
			tr->error[0] != '\0' ? tr->error : curl_easy_strerror(code));
		return;
	}
	x->rate_limits = header_text(&tr->rate_limits);
	x->retry_after = header_text(&tr->retry_after);
}
