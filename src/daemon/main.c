/* picketd: command line, settings, and one run of the daemon. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "daemon/args.h"
#include "daemon/daemon.h"

extern char **environ;

static int print_settings(const struct settings *s, bool secrets)
{
	struct buf out = BUF_INIT;
	bool ok;

	settings_dump(s, secrets, &out);
	ok = buf_ok(&out) && fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
	buf_fini(&out);
	return ok ? EX_OK : EX_IOERR;
}

/* Workers mostly wait for memory bandwidth: more than four bring nothing. */
static void set_workers(const struct settings *s)
{
	long n = (long)s->daemon.workers;
	char text[32];

	if (n == 0) {
		n = sysconf(_SC_NPROCESSORS_ONLN);
		n = n < 2 ? 2 : n > 4 ? 4 : n;
	}
	(void)snprintf(text, sizeof text, "%ld", n);
	(void)setenv("UV_THREADPOOL_SIZE", text, 1); /* read by libuv at its first work */
}

static void set_limits(void)
{
	struct rlimit files;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write() */
	memory_init();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* fewer connections then */
	}
}

/* Memory holds what scrubbing takes out: no other process of this user may read
 * it, and no core dump keeps it. Whoever debugs asks for that with the log level;
 * sanitizers look at their own process as a debugger does. */
static void hide_memory(const struct settings *s)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (s->log.level < LOG_DEBUG)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#else
	(void)s;
#endif
}

int main(int argc, char **argv)
{
	struct args args;
	struct settings *settings = NULL;
	struct settings_source from;
	struct err err = {0};
	int rc = args_parse(&args, argc, argv);

	if (rc >= 0)
		return rc;
	from = (struct settings_source){args.file, (const char *const *)environ, args.dev};
	if (daemon_settings_load(&settings, &from, &err) != E_OK) {
		(void)fprintf(stderr, "picketd: %s\n", err.text);
		return EX_CONFIG;
	}
	if (args.dump) {
		rc = print_settings(settings, args.secrets);
	} else if (args.check) {
		(void)printf("settings are fine\n");
		rc = EX_OK;
	} else {
		set_limits();
		set_workers(settings);
		hide_memory(settings);
		rc = daemon_run(settings, &from);
	}
	settings_unref(settings);
	return rc;
}
