#include "daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/check.h"
#include "daemon/commands.h"
#include "daemon/listeners.h"
#include "daemon/relay.h"
#include "daemon/sd.h"
#include "forward/local.h"

#define SIGNAL_COUNT 3

struct daemon {
	uv_loop_t loop;
	struct settings *settings;
	const struct settings_source *from;
	struct log *log;
	struct sd sd;
	struct relay *relay;
	struct listeners listeners;
	struct commands_ops commands_ops;
	struct commands *commands;
	struct control *control;
	uv_signal_t signals[SIGNAL_COUNT];
	uv_timer_t watchdog;
	bool signals_open;
	bool watchdog_open;
	bool stopping;
	int exit_code;
};

int daemon_settings_load(struct settings **ret, const struct settings_source *from, struct err *err)
{
	struct settings *s = NULL;
	int rc = settings_load(&s, from, err);

	if (rc == E_OK)
		rc = judge_attach(s, from->env, err);
	if (rc == E_OK) {
		*ret = s;
		s = NULL;
	}
	settings_unref(s);
	return rc;
}

static enum log_format log_format_of(const struct settings *s)
{
	if (s->log.format == SETTING_LOG_JSON)
		return LOG_FORMAT_JSON;
	if (s->log.format == SETTING_LOG_AUTO && sd_stderr_is_journal())
		return LOG_FORMAT_JOURNALD;
	return LOG_FORMAT_LOGFMT;
}

/* --- reload ----------------------------------------------------------------- */

static void status_text(const struct daemon *d, char *out, size_t size)
{
	(void)snprintf(out, size, "taking envelopes%s%s",
		d->listeners.http_address[0] != '\0' ? " on " : "", d->listeners.http_address);
}

/* Rules that name what does not exist, members without effect. */
static void tell_warnings(struct daemon *d, const struct settings *settings)
{
	const char *text;

	for (size_t i = 0; (text = process_scrub_warning(judge_of(settings), i)) != NULL; i++)
		log_line(d->log, LOG_WARN, "scrub_rules", log_cstr("file", settings->scrub.rules),
			log_cstr("what", text));
}

static void settings_use(struct daemon *d, struct settings *settings)
{
	struct buf fixed = BUF_INIT;

	settings_changed_fixed(d->settings, settings, &fixed);
	if (fixed.n > 0)
		log_line(d->log, LOG_WARN, "restart_needed", log_str("keys", buf_view(&fixed)));
	buf_fini(&fixed);
	settings_unref(d->settings);
	d->settings = settings;
	log_set(d->log, (enum log_level)settings->log.level, log_format_of(settings));
	relay_configure(d->relay, settings);
	tell_warnings(d, settings);
}

/* The settings in force stay when the new ones cannot be used. */
static int daemon_reload(void *arg, struct err *err)
{
	struct daemon *d = arg;
	struct settings *settings = NULL;
	char text[192];
	int rc;

	sd_reloading(&d->sd);
	rc = daemon_settings_load(&settings, d->from, err);
	if (rc == E_OK) {
		settings_use(d, settings);
		log_line(d->log, LOG_INFO, "reloaded", log_cstr("result", "ok"));
	} else {
		log_line(d->log, LOG_ERROR, "reload_failed", log_cstr("why", err->text));
	}
	status_text(d, text, sizeof text);
	sd_ready(&d->sd, text);
	return rc;
}

/* --- the end ---------------------------------------------------------------- */

static void on_relay_closed(void *arg)
{
	struct daemon *d = arg;

	relay_free(d->relay);
	d->relay = NULL;
	log_line(d->log, LOG_INFO, "stopped", log_int("exit", d->exit_code));
	for (int i = 0; d->signals_open && i < SIGNAL_COUNT; i++)
		uv_close((uv_handle_t *)&d->signals[i], NULL);
	if (d->watchdog_open)
		uv_close((uv_handle_t *)&d->watchdog, NULL);
}

static void on_control_closed(void *arg)
{
	struct daemon *d = arg;

	if (d->relay != NULL)
		relay_close(d->relay, on_relay_closed, d);
	else
		on_relay_closed(d);
}

static void on_commands_closed(void *arg)
{
	struct daemon *d = arg;

	control_close(d->control, on_control_closed, d);
}

static void daemon_stop(struct daemon *d)
{
	d->stopping = true;
	sd_stopping(&d->sd);
	commands_close(d->commands, on_commands_closed, d);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct daemon *d = handle->data;
	struct err err = {0};

	if (signum == SIGHUP) {
		if (!d->stopping)
			(void)daemon_reload(d, &err); /* it has logged what was wrong */
		return;
	}
	if (d->stopping) {
		log_line(d->log, LOG_WARN, "stopped_at_once", log_int("signal", signum));
		_exit(128 + signum);
	}
	log_line(d->log, LOG_INFO, "stopping", log_int("signal", signum));
	daemon_stop(d);
}

/* --- start ------------------------------------------------------------------ */

static void signals_open(struct daemon *d)
{
	static const int signums[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};

	for (int i = 0; i < SIGNAL_COUNT; i++) {
		check(uv_signal_init(&d->loop, &d->signals[i]) == 0);
		d->signals[i].data = d;
		check(uv_signal_start(&d->signals[i], on_signal, signums[i]) == 0);
	}
	d->signals_open = true;
}

static void on_watchdog(uv_timer_t *t)
{
	struct daemon *d = t->data;

	sd_watchdog(&d->sd);
	log_flush(d->log);
}

static void watchdog_open(struct daemon *d)
{
	int64_t interval_ms = sd_watchdog_interval_ms();

	if (interval_ms == 0)
		return;
	(void)uv_timer_init(&d->loop, &d->watchdog);
	d->watchdog.data = d;
	(void)uv_timer_start(&d->watchdog, on_watchdog, 0, (uint64_t)interval_ms);
	d->watchdog_open = true;
}

static void command_status(void *arg, struct buf *out)
{
	struct daemon *d = arg;
	struct relay_view *v = relay_view_new(d->relay);

	if (v != NULL)
		status_write(relay_view(v), out);
	else
		out->failed = true;
	relay_view_free(v);
}

static void command_hold(void *arg, bool hold)
{
	struct daemon *d = arg;

	forward_hold(d->relay->forward, hold);
}

static bool command_is_held(void *arg)
{
	const struct daemon *d = arg;

	return forward_is_held(d->relay->forward);
}

static int commands_open(struct daemon *d, struct err *err)
{
	struct commands_options o = {&d->loop, d->relay->spool, &d->commands_ops, d->log};
	int rc;

	d->commands_ops = (struct commands_ops){
		d, command_status, daemon_reload, command_hold, command_is_held};
	rc = commands_new(&d->commands, &o, err);
	if (rc != E_OK || d->listeners.control_fd < 0)
		return rc;
	return control_open(&d->control, &d->loop, d->listeners.control_fd,
		d->listeners.control_path, commands_handle, d->commands, d->log, err);
}

/* The line on the terminal that --dev shows for each envelope. */
static void on_local(void *arg, const struct local_envelope *e)
{
	(void)arg;
	(void)printf(
		"%s  %s  %s\n", e->event_id[0] != '\0' ? e->event_id : "-", e->types, e->title);
	(void)fflush(stdout);
}

static int daemon_open(struct daemon *d, bool dev, struct err *err)
{
	struct relay_options o = {
		.loop = &d->loop, .settings = d->settings, .log = d->log, .dev = dev};
	int rc = relay_open(&d->relay, &o, err);

	if (rc == E_OK && d->relay->local != NULL)
		local_view_listen(d->relay->local, on_local, d);
	if (rc == E_OK)
		rc = listeners_open(&d->listeners, d->relay->ingest, d->settings, d->log, err);
	if (rc == E_OK)
		rc = commands_open(d, err);
	return rc;
}

int daemon_run(struct settings *settings, const struct settings_source *from)
{
	struct daemon d = {.from = from, .listeners = {.control_fd = -1}};
	struct err err = {0};
	char text[192];

	if (log_open(&d.log, (enum log_level)settings->log.level, log_format_of(settings),
		    settings->log.to, &err) != E_OK) {
		(void)fprintf(stderr, "picketd: %s\n", err.text);
		return EX_CANTCREAT;
	}
	d.settings = settings_ref(settings);
	sd_init(&d.sd);
	check(uv_loop_init(&d.loop) == 0);
	signals_open(&d);
	tell_warnings(&d, settings);
	if (daemon_open(&d, from->dev, &err) == E_OK) {
		watchdog_open(&d);
		status_text(&d, text, sizeof text);
		log_line(d.log, LOG_INFO, "ready", log_cstr("version", PICKET_VERSION),
			log_int("pid", getpid()));
		sd_ready(&d.sd, text);
	} else {
		(void)fprintf(stderr, "picketd: %s\n", err.text);
		log_line(d.log, LOG_ERROR, "start_failed", log_cstr("why", err.text));
		d.exit_code = EX_CANTCREAT;
		daemon_stop(&d);
	}
	(void)uv_run(&d.loop, UV_RUN_DEFAULT);
	check(uv_loop_close(&d.loop) == 0);
	settings_unref(d.settings);
	sd_fini(&d.sd);
	log_close(d.log);
	return d.exit_code;
}
