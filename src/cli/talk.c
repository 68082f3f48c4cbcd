#include "cli/talk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lines.h"

static bool is_off(const char *address)
{
	return address[0] == '\0' || strcmp(address, "off") == 0;
}

/* --- the control socket ---------------------------------------------------- */

static int code_of_name(const char *name)
{
	for (int code = E_OK + 1; code < E_CODE_COUNT; code++) {
		if (name != NULL && strcmp(name, err_name(code)) == 0)
			return code;
	}
	return E_IO;
}

static int send_request(struct lines *l, json_t *request, struct deadline d, struct err *err)
{
	char *text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	int rc = text != NULL ? lines_write(l, str_of(text), d, err)
			      : err_set(err, E_NOMEM, "no memory for the request");

	free(text);
	return rc;
}

/* E_OK with *is_last set after the last line; the answer's own error else. */
static int take_line(
	struct str text, talk_fn *each, void *arg, json_t **end, bool *is_last, struct err *err)
{
	json_t *line = json_loadb(text.p, text.n, 0, NULL);
	const json_t *error = json_object_get(line, "error");
	int rc = E_OK;

	if (!json_is_object(line)) {
		rc = err_set(err, E_SYNTAX, "the daemon's answer is no JSON object");
	} else if (json_is_string(error)) {
		rc = err_set(err, code_of_name(json_string_value(json_object_get(line, "code"))),
			"%s", json_string_value(error));
	} else if (json_object_get(line, "ok") != NULL) {
		*is_last = true;
		if (end != NULL)
			*end = json_incref(line);
	} else if (each != NULL) {
		each(arg, line);
	}
	json_decref(line);
	return rc;
}

static int converse(int fd, json_t *request, int64_t timeout_ms, talk_fn *each, void *arg,
	json_t **end, struct err *err)
{
	struct lines l;
	struct str text;
	bool is_last = false;
	int rc;

	lines_init(&l, fd);
	rc = send_request(&l, request, deadline_in(timeout_ms), err);
	while (rc == E_OK && !is_last) {
		rc = lines_read(&l, deadline_in(timeout_ms), &text, err);
		if (rc == E_OK)
			rc = take_line(text, each, arg, end, &is_last, err);
	}
	lines_fini(&l);
	return rc;
}

int talk_quietly(struct cli *c, json_t *request, int64_t timeout_ms, talk_fn *each, void *arg,
	json_t **end, struct err *err)
{
	const char *path = c->settings->control.unix;
	int fd = -1;
	int rc;

	if (is_off(path))
		rc = err_set(err, E_NET, "[control] unix is off");
	else
		rc = stream_open_unix(path, deadline_in(timeout_ms), &fd, err);
	if (rc == E_NOTFOUND || rc == E_NET)
		rc = err_set(err, E_NET, "no daemon listens on %s (is picketd running?)", path);
	if (rc == E_OK) {
		rc = converse(fd, request, timeout_ms, each, arg, end, err);
		(void)close(fd);
	}
	json_decref(request);
	return rc;
}

int talk_control(
	struct cli *c, json_t *request, int64_t timeout_ms, talk_fn *each, void *arg, json_t **end)
{
	struct err err = {E_OK, ""};
	int code = cli_settings(c);

	if (code != EX_OK) {
		json_decref(request);
		return code;
	}
	if (talk_quietly(c, request, timeout_ms, each, arg, end, &err) != E_OK)
		return cli_fail_err(c, &err);
	return EX_OK;
}

void talk_print_json(void *arg, const json_t *line)
{
	struct cli *c = arg;

	(void)json_dumpf(line, c->out, JSON_COMPACT);
	(void)fputc('\n', c->out);
}

/* --- HTTP ------------------------------------------------------------------ */

static bool has_fixed_port(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon != NULL && strcmp(colon, ":0") != 0;
}

/* The Unix socket first: no port to guess, and the mode is the permission. */
static int open_http(
	struct cli *c, struct http_request *q, struct deadline d, int *fd, struct err *err)
{
	const char *path = c->settings->listen.unix, *address = c->settings->listen.http;
	int rc = err_set(err, E_NET, "the daemon listens nowhere ([listen] unix and http are off)");

	q->host = "localhost"; /* passes the daemon's check, whatever it listens on */
	if (!is_off(path))
		rc = stream_open_unix(path, d, fd, err);
	if (rc == E_OK || rc == E_DENIED || is_off(address) || !has_fixed_port(address))
		return rc;
	return stream_open_tcp(address, d, fd, err);
}

int talk_http(struct cli *c, struct http_request *q, int64_t timeout_ms, struct http_answer *ret,
	struct err *err)
{
	struct deadline d = deadline_in(timeout_ms);
	int fd = -1;
	int rc;

	memset(ret, 0, sizeof *ret);
	rc = open_http(c, q, d, &fd, err);
	if (rc != E_OK)
		return rc;
	rc = http_exchange(fd, q, d, ret, err);
	(void)close(fd);
	return rc;
}

int talk_fail(struct cli *c, const struct err *err)
{
	if (err->code == E_NOTFOUND || err->code == E_NET)
		return cli_fail(c, EX_UNAVAILABLE, "%s (is picketd running?)", err->text);
	return cli_fail_err(c, err);
}
