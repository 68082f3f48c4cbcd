/* talk.h - asking the daemon, over its control socket or over HTTP.
 *
 * Each function prints what went wrong and returns the exit code for it, so
 * that a subcommand can end with it.
 *
 * Owns     connections, for the length of one call.
 * Threads  one.
 */
#ifndef PICKET_CLI_TALK_H
#define PICKET_CLI_TALK_H

#include <jansson.h>

#include "cli/cli.h"
#include "client/http.h"

#define TALK_TIMEOUT_MS 10000

/* One line of data; borrowed. */
typedef void talk_fn(void *arg, const json_t *line);

/* Takes request. each may be NULL; so may end, which else receives the last
 * line (a reference) when EX_OK is returned. The timeout is that of each line. */
int talk_control(
	struct cli *c, json_t *request, int64_t timeout_ms, talk_fn *each, void *arg, json_t **end);

/* As talk_control(), but says nothing: the code of *err tells. */
int talk_quietly(struct cli *c, json_t *request, int64_t timeout_ms, talk_fn *each, void *arg,
	json_t **end, struct err *err);

/* A request over [listen] unix, or http where that is off or nobody answers.
 * Says nothing: E_OK, or *err tells. q->host is filled in. */
int talk_http(struct cli *c, struct http_request *q, int64_t timeout_ms, struct http_answer *ret,
	struct err *err);

/* What a command ends with when the daemon could not be reached (E_NOTFOUND and
 * E_NET are EX_UNAVAILABLE). */
int talk_fail(struct cli *c, const struct err *err);

/* Prints one line of data as it came, for --json. arg is a struct cli. */
talk_fn talk_print_json;

#endif
