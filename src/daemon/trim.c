/* Giving memory back after busy times.
 *
 *   relay_trim_soon   loop    nothing goes on: start the timer
 *   on_trim           loop    free what stages keep; one job for each worker
 *   trim_work         worker  what the C library keeps for this thread
 *   trim_done         loop    last job: hand free pages to the system
 *   code_work         worker  the last time: code that nobody runs now goes, too
 *
 * The spool's writer does its part by itself (spool/writer.c). Without all this
 * the daemon would sleep with the memory of its largest burst.
 */
#include <malloc.h>
#include <stdlib.h>

#include "base/memory.h"
#include "daemon/relay.h"
#include "scrub/scrub.h"

/* Soon after the last activity, and again when the transport has closed its
 * connections; then the daemon sleeps. */
#define TRIM_FIRST_MS 2000
#define TRIM_AGAIN_MS 33000
#define TRIM_COUNT    2

/* As many as "auto" makes at most; too many do no harm. */
#define WORKERS_AUTO 4
/* A worker that holds its job for so long leaves the next one to another. */
#define HOLD_MS 1

struct trim_job {
	uv_work_t work;
	uv_loop_t *loop;
	bool is_last;
	bool is_long_rest; /* nothing is expected any more */
};

static void trim_work(uv_work_t *w)
{
	(void)w;
	memory_drop_cached();
	uv_sleep(HOLD_MS);
}

static void trim_heaps(void)
{
	(void)malloc_trim(0);
	memory_rest_end();
}

static void code_work(uv_work_t *w)
{
	(void)w;
	(void)memory_drop_code();
}

static void code_done(uv_work_t *w, int status)
{
	(void)status;
	free(w->data);
}

/* The relay may be gone by now. */
static void trim_done(uv_work_t *w, int status)
{
	struct trim_job *job = w->data;

	(void)status;
	if (job->is_last)
		trim_heaps();
	if (!job->is_last || !job->is_long_rest ||
		uv_queue_work(job->loop, &job->work, code_work, code_done) != 0)
		free(job);
}

/* False: nobody will call trim_heaps(). */
static bool trim_workers(struct relay *r)
{
	uint64_t n = r->settings->daemon.workers > 0 ? r->settings->daemon.workers : WORKERS_AUTO;

	for (uint64_t i = 1; i <= n; i++) {
		struct trim_job *job = calloc(1, sizeof *job);

		if (job == NULL)
			return false;
		job->work.data = job;
		job->loop = r->loop;
		job->is_last = i == n;
		job->is_long_rest = r->trims + 1 >= TRIM_COUNT;
		if (uv_queue_work(r->loop, &job->work, trim_work, trim_done) != 0) {
			free(job);
			return false;
		}
	}
	return true;
}

static void on_trim(uv_timer_t *t)
{
	struct relay *r = t->data;

	codec_pool_trim(r->codecs);
	scrubber_trim(judge_scrubbing(judge_of(r->settings)));
	ingest_trim(r->ingest);
	memory_rest();
	memory_drop_cached();
	if (!trim_workers(r))
		trim_heaps();
	if (++r->trims >= TRIM_COUNT)
		(void)uv_timer_stop(t);
}

void relay_trim_soon(void *arg)
{
	struct relay *r = arg;

	r->trims = 0;
	(void)uv_timer_start(&r->trim, on_trim, TRIM_FIRST_MS, TRIM_AGAIN_MS);
}
