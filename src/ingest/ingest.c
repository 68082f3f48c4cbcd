/* The whole of ingest: settings, listeners, and the end.
 *
 *   ingest_close      no new clients; idle ones go, incomplete requests are
 *                     refused, owed answers are waited for
 *   on_grace          too long: everybody goes, owed answers go nowhere
 *   ingest_maybe_closed  from each completion: the timers are closed last
 *   on_timer_closed   done
 */
#include "ingest/ingest.h"

#include <stdlib.h>

#include "base/check.h"
#include "ingest/connection.h"
#include "ingest/listener.h"
#include "ingest/private.h"
#include "ingest/request.h"

#define INLINE_BYTES ((size_t)4096)

int ingest_new(struct ingest **ret, const struct ingest_options *o, struct err *err)
{
	struct ingest *in = calloc(1, sizeof *in);
	int rc;

	if (in == NULL)
		return err_set(err, E_NOMEM, "no memory for ingest");
	in->read_buffer = malloc(READ_BYTES);
	rc = in->read_buffer == NULL
		     ? err_set(err, E_NOMEM, "no memory for ingest")
		     : guard_uids_init(&in->uids, &o->settings->listen.allow_uid, err);
	if (rc != E_OK) {
		free(in->read_buffer);
		free(in);
		return rc;
	}
	in->loop = o->loop;
	in->ops = o->ops;
	in->settings = settings_ref(o->settings);
	in->budget = o->budget;
	in->clock = o->clock != NULL ? o->clock : clock_system();
	in->log = o->log;
	in->counters = o->counters;
	in->dev = o->dev;
	in->inline_bytes = o->inline_bytes != 0 ? o->inline_bytes : INLINE_BYTES;
	SLIST_INIT(&in->listeners);
	TAILQ_INIT(&in->connections);
	TAILQ_INIT(&in->requests);
	TAILQ_INIT(&in->spare);
	buf_init(&in->answer, 0);
	check(deadlines_init(&in->deadlines, in->loop, connection_expired) == 0);
	check(uv_timer_init(in->loop, &in->grace) == 0);
	in->grace.data = in;
	*ret = in;
	return E_OK;
}

void ingest_configure(struct ingest *in, struct settings *settings)
{
	struct guard_uids uids;
	struct err err;

	/* A name that cannot be found now lets nobody in under it; the others of
	 * the old list stay as they are. */
	if (guard_uids_init(&uids, &settings->listen.allow_uid, &err) == E_OK) {
		guard_uids_fini(&in->uids);
		in->uids = uids;
	} else {
		log_line(in->log, LOG_ERROR, "allow_uid_kept", log_cstr("why", err.text));
	}
	settings_ref(settings);
	settings_unref(in->settings);
	in->settings = settings;
}

int ingest_listen(
	struct ingest *in, enum ingest_kind kind, int fd, const char *unlink_path, struct err *err)
{
	check(!in->closing);
	return listener_open(in, kind, fd, unlink_path, err);
}

size_t ingest_busy(const struct ingest *in)
{
	const struct connection *c;
	size_t n = 0;

	TAILQ_FOREACH (c, &in->connections, link)
		n += connection_is_busy(c);
	return n;
}

/* --- closing --------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
	struct ingest *in = handle->data;

	if (handle == (uv_handle_t *)&in->grace) {
		in->deadlines.timer.data = in;
		uv_close((uv_handle_t *)&in->deadlines.timer, on_timer_closed);
		return;
	}
	in->closed = true;
	in->done(in->done_arg);
}

void ingest_maybe_closed(struct ingest *in)
{
	if (in->connection_count > 0 || in->listener_count > 0 || in->working_count > 0 ||
		!TAILQ_EMPTY(&in->requests) || uv_is_closing((uv_handle_t *)&in->grace))
		return;
	deadlines_stop(&in->deadlines);
	uv_close((uv_handle_t *)&in->grace, on_timer_closed);
}

static void on_grace(uv_timer_t *timer)
{
	struct ingest *in = timer->data;
	struct connection *c, *next;

	in->forced = true;
	for (c = TAILQ_FIRST(&in->connections); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		connection_close(c);
	}
	requests_orphan(in);
	ingest_maybe_closed(in);
}

void ingest_close(struct ingest *in, int64_t grace_ms, void (*done)(void *arg), void *arg)
{
	struct listener *l;
	struct connection *c, *next;

	check(!in->closing);
	in->closing = true;
	in->done = done;
	in->done_arg = arg;
	for (l = SLIST_FIRST(&in->listeners); l != NULL; l = SLIST_NEXT(l, link))
		listener_close(l);
	for (c = TAILQ_FIRST(&in->connections); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		connection_drain(c);
	}
	if (grace_ms <= 0)
		on_grace(&in->grace);
	else
		(void)uv_timer_start(&in->grace, on_grace, (uint64_t)grace_ms, 0);
	ingest_maybe_closed(in);
}

void ingest_trim(struct ingest *in)
{
	client_requests_trim(in);
	buf_fini(&in->answer);
}

void ingest_free(struct ingest *in)
{
	if (in == NULL)
		return;
	check(in->closed);
	client_requests_trim(in);
	guard_uids_fini(&in->uids);
	buf_fini(&in->answer);
	free(in->read_buffer);
	settings_unref(in->settings);
	free(in);
}
