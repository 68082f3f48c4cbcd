#include "client/http.h"

#define MAX_HEAD_BYTES   (64u << 10)
#define MAX_BODY_BYTES   (64u << 20)
#define MAX_RETRY_SECOND 86400u

static int parse_status_line(struct str line, int *status, struct err *err)
{
	struct str digits = str_first(str_from(line, 9), 3);
	uint64_t v = 0;
	bool is_http = str_starts(line, STR("HTTP/1.")) && line.n >= 12 && line.p[8] == ' ';

	if (!is_http || !str_to_u64(digits, 999, &v) || v < 100)
		return err_set(err, E_SYNTAX, "the answer is not HTTP");
	*status = (int)v;
	return E_OK;
}

int http_parse_head(struct str head, struct http_answer *ret, uint64_t *length, bool *has_length,
	struct err *err)
{
	struct str line = STR_EMPTY;
	uint64_t v;
	int rc;

	ret->retry_after_s = 0;
	*has_length = false;
	*length = 0;
	(void)str_cut(&head, '\n', &line);
	rc = parse_status_line(line, &ret->status, err);
	if (rc != E_OK)
		return rc;
	while (str_cut(&head, '\n', &line)) {
		size_t colon = str_find_char(line, ':');
		struct str name = str_trim(str_first(line, colon));
		struct str value = str_trim(str_from(line, colon + 1));

		if (str_ieq(name, STR("content-length"))) {
			if (!str_to_u64(value, UINT64_MAX, length))
				return err_set(err, E_SYNTAX, "the answer's length is no number");
			*has_length = true;
		} else if (str_ieq(name, STR("transfer-encoding"))) {
			return err_set(err, E_UNSUPPORTED, "the answer is sent in chunks");
		} else if (str_ieq(name, STR("retry-after")) &&
			   str_to_u64(value, MAX_RETRY_SECOND, &v)) {
			ret->retry_after_s = (uint32_t)v;
		}
	}
	return E_OK;
}

static int send_request(int fd, const struct http_request *q, struct deadline d, struct err *err)
{
	struct buf head;
	int rc;

	buf_init(&head, 0);
	buf_printf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s", q->method,
		q->target, q->host, q->headers);
	if (strcmp(q->method, "POST") == 0)
		buf_printf(&head, "Content-Length: %zu\r\n", q->body.n);
	buf_cstr(&head, "\r\n");
	if (buf_ok(&head))
		rc = stream_write(fd, buf_view(&head), d, err);
	else
		rc = err_set(err, E_NOMEM, "no memory for the request");
	buf_fini(&head);
	return rc == E_OK ? stream_write(fd, q->body, d, err) : rc;
}

/* Reads until the empty line is there; *head_bytes counts up to and with it. */
static int read_head(int fd, struct buf *in, size_t *head_bytes, struct deadline d, struct err *err)
{
	bool is_eof = false;

	for (;;) {
		size_t at = str_find(buf_view(in), STR("\r\n\r\n"));
		int rc;

		if (at < in->n) {
			*head_bytes = at + 4;
			return E_OK;
		}
		if (is_eof)
			return err_set(err, E_NET, "the daemon closed the connection");
		if (in->n > MAX_HEAD_BYTES)
			return err_set(err, E_TOOBIG, "the answer's headers do not end");
		rc = stream_read(fd, in, d, &is_eof, err);
		if (rc != E_OK)
			return rc;
	}
}

static int read_body(int fd, struct http_answer *a, uint64_t length, bool has_length,
	struct deadline d, struct err *err)
{
	bool is_eof = false;
	int rc = E_OK;

	if (has_length && length > MAX_BODY_BYTES)
		return err_set(err, E_TOOBIG, "the answer is too large");
	while (rc == E_OK && !is_eof && !(has_length && a->body.n >= length))
		rc = stream_read(fd, &a->body, d, &is_eof, err);
	if (rc == E_OK && has_length && a->body.n < length)
		return err_set(err, E_NET, "the answer was cut short");
	if (rc == E_OK && has_length)
		a->body.n = (size_t)length;
	return rc;
}

static int read_answer(int fd, struct http_answer *a, struct deadline d, struct err *err)
{
	uint64_t length = 0;
	bool has_length = false;
	size_t head_bytes = 0;
	int rc;

	do { /* 100 Continue may come first */
		buf_consume(&a->body, head_bytes);
		rc = read_head(fd, &a->body, &head_bytes, d, err);
		if (rc == E_OK)
			rc = http_parse_head(str_first(buf_view(&a->body), head_bytes - 4), a,
				&length, &has_length, err);
	} while (rc == E_OK && a->status < 200);
	if (rc != E_OK)
		return rc;
	buf_consume(&a->body, head_bytes);
	return read_body(fd, a, length, has_length, d, err);
}

int http_exchange(int fd, const struct http_request *q, struct deadline d, struct http_answer *ret,
	struct err *err)
{
	int sent = send_request(fd, q, d, err);
	int rc;

	memset(ret, 0, sizeof *ret);
	buf_init(&ret->body, MAX_BODY_BYTES + MAX_HEAD_BYTES);
	if (sent != E_OK && sent != E_NET)
		return sent;
	/* Refused while still sending: the reason is there to be read. */
	rc = read_answer(fd, ret, d, sent == E_OK ? err : NULL);
	return rc != E_OK && sent != E_OK ? sent : rc;
}

void http_answer_fini(struct http_answer *a)
{
	buf_fini(&a->body);
}
