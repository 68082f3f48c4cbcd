/* picket send: one event from a shell. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/event.h"
#include "cli/post.h"
#include "cli/show.h"

#define MAX_MESSAGE_BYTES (1u << 20)
#define MAX_ATTACHMENTS   30

static const struct opt opts[] = {
	{'l', "level", "LEVEL", "debug, info, warning, error (default) or fatal"},
	{'m', "message", "TEXT", "the message, instead of the MESSAGE argument"},
	{'e', "environment", "NAME", "environment (default: $SENTRY_ENVIRONMENT)"},
	{'r', "release", "NAME", "release (default: $SENTRY_RELEASE)"},
	{'t', "tag", "KEY=VALUE", "a tag; may be repeated"},
	{0, "extra", "KEY=VALUE", "an extra value; may be repeated"},
	{0, "attach", "FILE", "a file to attach; may be repeated"},
	{0, NULL, NULL, NULL},
};
enum { OPT_LEVEL, OPT_MESSAGE, OPT_ENVIRONMENT, OPT_RELEASE, OPT_TAG, OPT_EXTRA, OPT_ATTACH };

struct sending {
	struct event event;
	struct buf message;
	const char *files[MAX_ATTACHMENTS];
	size_t file_count;
	char host[256];
};

static int set_level(struct cli *c, struct sending *s, const char *value)
{
	s->event.level = event_level(value);
	if (s->event.level == NULL)
		return cli_usage(c, "there is no level \"%s\"", value);
	return EX_OK;
}

static int add_pair(struct cli *c, json_t **object, const char *value)
{
	struct err err = {E_OK, ""};

	if (event_pair(object, value, &err) != E_OK)
		return cli_usage(c, "%s", err.text);
	return EX_OK;
}

static int add_file(struct cli *c, struct sending *s, const char *value)
{
	if (s->file_count == MAX_ATTACHMENTS)
		return cli_usage(c, "more than %d attachments", MAX_ATTACHMENTS);
	s->files[s->file_count++] = value;
	return EX_OK;
}

static int take(struct cli *c, struct sending *s, int which, const char *value)
{
	switch (which) {
	case OPT_LEVEL:
		return set_level(c, s, value);
	case OPT_ENVIRONMENT:
		s->event.environment = value;
		return EX_OK;
	case OPT_RELEASE:
		s->event.release = value;
		return EX_OK;
	case OPT_TAG:
		return add_pair(c, &s->event.tags, value);
	case OPT_EXTRA:
		return add_pair(c, &s->event.extra, value);
	case OPT_ATTACH:
		return add_file(c, s, value);
	default: /* words of the message, as echo takes them */
		if (s->message.n > 0)
			buf_char(&s->message, ' ');
		buf_cstr(&s->message, value);
		return EX_OK;
	}
}

/* Without a message on the command line it is what comes on standard input. */
static int finish_message(struct cli *c, struct sending *s)
{
	struct err err = {E_OK, ""};

	if (s->message.n == 0 && isatty(STDIN_FILENO) == 1)
		return cli_usage(c, "MESSAGE is missing");
	if (s->message.n == 0 &&
		file_read("/dev/stdin", MAX_MESSAGE_BYTES, &s->message, &err) != E_OK)
		return cli_fail(c, EX_NOINPUT, "%s", err.text);
	while (s->message.n > 0 && s->message.p[s->message.n - 1] == '\n')
		s->message.n--;
	if (s->message.n == 0)
		return cli_usage(c, "the message is empty");
	if (memchr(s->message.p, '\0', s->message.n) != NULL)
		return cli_fail(c, EX_DATAERR, "the message contains a NUL byte");
	buf_char(&s->message, '\0');
	if (!buf_ok(&s->message))
		return cli_fail(c, EX_TEMPFAIL, "no memory for the message");
	s->event.message = s->message.p;
	return EX_OK;
}

static int write_files(struct cli *c, const struct sending *s, struct buf *out)
{
	uint64_t limit = c->settings->limits.attachment;
	struct err err = {E_OK, ""};

	for (size_t i = 0; i < s->file_count; i++) {
		struct buf bytes;
		int rc;

		buf_init(&bytes, 0);
		rc = file_read(s->files[i], (size_t)limit, &bytes, &err);
		if (rc == E_OK)
			rc = event_write_attachment(s->files[i], buf_view(&bytes), out, &err);
		buf_fini(&bytes);
		if (rc != E_OK)
			return cli_fail(c, EX_NOINPUT, "%s", err.text);
	}
	return EX_OK;
}

static int write_event(struct cli *c, struct sending *s, struct buf *out)
{
	struct err err = {E_OK, ""};
	int rc;

	if (!event_id_random(&s->event.id))
		return cli_fail(c, EX_OSERR, "the system gives no random numbers");
	s->event.wall_us = clock_now(clock_system()).wall_ms * 1000;
	if (s->event.environment == NULL)
		s->event.environment = cli_env(c, "SENTRY_ENVIRONMENT");
	if (s->event.release == NULL)
		s->event.release = cli_env(c, "SENTRY_RELEASE");
	if (gethostname(s->host, sizeof s->host - 1) == 0)
		s->event.server_name = s->host;
	rc = event_write(&s->event, out, &err);
	if (rc != E_OK)
		return cli_fail(c, rc == E_INVAL ? EX_DATAERR : EX_TEMPFAIL, "%s", err.text);
	return write_files(c, s, out);
}

static int post(struct cli *c, struct sending *s)
{
	char id[EVENT_ID_HEX_BYTES];
	struct buf envelope, answer;
	struct post_as as;
	int code;

	buf_init(&envelope, 0);
	buf_init(&answer, 0);
	code = post_as_default(c, &as);
	if (code == EX_OK)
		code = write_event(c, s, &envelope);
	if (code == EX_OK)
		code = post_envelope(c, &as, buf_view(&envelope), &answer);
	if (code == EX_OK) {
		event_id_hex(&s->event.id, id);
		(void)fprintf(c->out, c->is_json ? "{\"event_id\":\"%s\"}\n" : "%s\n", id);
	}
	buf_fini(&envelope);
	buf_fini(&answer);
	return code;
}

static int run(struct cli *c)
{
	struct sending s;
	const char *value;
	int code = EX_OK;
	int i;

	memset(&s, 0, sizeof s);
	buf_init(&s.message, MAX_MESSAGE_BYTES);
	while (code == EX_OK && (i = cli_next(c, &value)) != ARG_END)
		code = i == ARG_STOP ? -1 : take(c, &s, i, value);
	if (code == EX_OK)
		code = finish_message(c, &s);
	if (code == EX_OK)
		code = cli_settings(c);
	if (code == EX_OK)
		code = post(c, &s);
	buf_fini(&s.message);
	event_fini(&s.event);
	return code == -1 ? c->exit_code : code;
}

const struct command command_send = {
	.name = "send",
	.operands = "[MESSAGE...]",
	.brief = "send an event",
	.more = "Sends one event through the daemon and prints its id. Without MESSAGE the\n"
		"message is read from standard input. Key and project come from $PICKET_DSN\n"
		"or $SENTRY_DSN, if one is set.",
	.opts = opts,
	.prints_data = true,
	.run = run,
};
