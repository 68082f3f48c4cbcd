/* What settings become of good files, variables and directories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/loader.h"
#include "config/table.h"
#include "config/value.h"
#include "unit/config/support.h"

/* Every field equal, by the table. */
static void assert_same(const struct settings *a, const struct settings *b)
{
	size_t n;
	const struct setting_info *t = settings_table(&n);

	for (size_t i = 0; i < n; i++)
		if (!value_eq(&t[i], setting_field_const(a, &t[i]), setting_field_const(b, &t[i])))
			fail_msg("%s.%s differs", t[i].section, t[i].key);
	assert_int_equal(a->project_count, b->project_count);
	for (size_t i = 0; i < a->project_count; i++) {
		assert_string_equal(a->projects[i].name, b->projects[i].name);
		assert_string_equal(a->projects[i].key, b->projects[i].key);
		assert_string_equal(a->projects[i].id, b->projects[i].id);
		assert_string_equal(a->projects[i].dsn, b->projects[i].dsn);
	}
}

static void an_empty_file_means_every_default(void **state)
{
	struct settings *s = load_good("", &dev_source);

	(void)state;
	assert_string_equal(s->listen.http, "127.0.0.1:4690");
	assert_string_equal(s->listen.unixgram, "");
	assert_int_equal(s->listen.unix_mode, 0660);
	assert_int_equal(s->listen.allow_uid.n, 0);
	assert_int_equal(s->listen.header_timeout, 5000);
	assert_int_equal(s->upstream.accept, ACCEPT_ANY);
	assert_true(s->upstream.http2);
	assert_int_equal(s->spool.max_size, 512 << 20);
	assert_int_equal(s->spool.max_age, 7 * 86400000);
	assert_int_equal(s->log.level, 2);
	assert_int_equal(s->daemon.workers, 0);
	settings_unref(s);
}

static void every_type_reads_what_a_person_writes(void **state)
{
	struct settings *s = load_good("\xEF\xBB\xBF; a comment\r\n"
				       "[listen] ; behind a section nothing is lost\r\n"
				       "  http = off\r\n"
				       "unix_mode: 600\r\n"
				       "allow_uid = 0,1\r\n"
				       "\t# a comment between lines of a value\r\n"
				       "\t2 3\r\n"
				       "unixgram = off\n"
				       "idle_timeout = 250MS\n"
				       "[upstream]\n"
				       "dsn = https://k:@h:9000/a/b/42/\n"
				       "http2 = Off\n"
				       "compression = GZIP\n"
				       "header = X-One: a;b\n"
				       "   X-Two:  c = d\n"
				       "[spool]\n"
				       "max_size = 2g\n"
				       "dead_letters = 0\n",
		&dev_source);

	(void)state;
	assert_string_equal(s->listen.http, "off");
	assert_int_equal(s->listen.unix_mode, 0600);
	assert_int_equal(s->listen.allow_uid.n, 4);
	assert_string_equal(s->listen.allow_uid.v[3], "3");
	assert_string_equal(s->listen.unixgram, "");
	assert_int_equal(s->listen.idle_timeout, 250);
	assert_string_equal(s->upstream.dsn, "https://k:@h:9000/a/b/42/"); /* P-002, P-003 */
	assert_false(s->upstream.http2);
	assert_int_equal(s->upstream.compression, COMPRESSION_GZIP);
	assert_int_equal(s->upstream.header.n, 2);
	assert_string_equal(s->upstream.header.v[0], "X-One: a;b");
	assert_string_equal(s->upstream.header.v[1], "X-Two:  c = d");
	assert_int_equal(s->spool.max_size, 2ull << 30);
	assert_int_equal(s->spool.dead_letters, 0);
	settings_unref(s);
}

static void a_line_of_197_bytes_is_read_whole(void **state)
{
	char text[256];
	struct settings *s;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "[spool]\ndir =", 13);
	memcpy(text + 8 + 197, "\r\n", 3);
	s = load_good(text, &dev_source);
	assert_int_equal(strlen(s->spool.dir), 197 - 5);
	settings_unref(s);
}

static void addresses_origins_and_prefixes_that_can_be_are_taken(void **state)
{
	struct settings *s = load_good(
		"[listen]\nhttp = [::1]:0\nallow_origin = * null https://a.example:8443\n"
		"allow_host = [::1]:80 b.example *\npath_prefix = /a/b\nunix_mode = 0\n"
		"[control]\nunix = off\n"
		"[upstream]\ndsn = http://k@[2001:db8::1]:9000/7\nurl = https://[::1]/sentry\n"
		"proxy = socks5h://u:p@127.0.0.1:1080\nca_file = /dev/null\n"
		"header =\n\tX-A: b\n\t \n\tX-B: c\n"
		"[daemon]\nshutdown_timeout = 0\n",
		&dev_source);

	(void)state;
	assert_string_equal(s->listen.http, "[::1]:0");
	assert_int_equal(s->listen.allow_origin.n, 3);
	assert_int_equal(s->listen.allow_host.n, 3);
	assert_int_equal(s->upstream.header.n, 2);
	assert_int_equal(s->daemon.shutdown_timeout, 0);
	settings_unref(s);
}

static void a_group_of_this_machine_is_taken(void **state)
{
	const struct group *group = getgrgid(0);
	struct settings *s;
	char text[128];

	(void)state;
	assert_non_null(group);
	(void)snprintf(text, sizeof text, "[listen]\nunix_group = %s\n", group->gr_name);
	s = load_good(text, &dev_source);
	assert_string_equal(s->listen.unix_group, group->gr_name);
	settings_unref(s);
}

static void names_of_users_become_numbers(void **state)
{
	const struct passwd *root = getpwuid(0);
	struct settings *s;
	char text[128];

	(void)state;
	assert_non_null(root);
	(void)snprintf(text, sizeof text, "[listen]\nallow_uid = %s 0012\n", root->pw_name);
	s = load_good(text, &dev_source);
	assert_string_equal(s->listen.allow_uid.v[0], "0");
	assert_string_equal(s->listen.allow_uid.v[1], "12");
	settings_unref(s);
}

static void projects_keep_their_order(void **state)
{
	struct settings *s = load_good("[project z]\nkey = k\ndsn = https://K@h/1\n"
				       "[project\ta.b]\nkey = k\nid = 7\ndsn = https://K@h/2\n",
		&dev_source);

	(void)state;
	assert_int_equal(s->project_count, 2);
	assert_string_equal(s->projects[0].name, "z");
	assert_string_equal(s->projects[0].id, "");
	assert_string_equal(s->projects[1].name, "a.b");
	assert_string_equal(s->projects[1].id, "7");
	settings_unref(s);
}

/* --- expansion ------------------------------------------------------------ */

static void variables_and_files_expand_in_any_value(void **state)
{
	static const char *const env[] = {"A=one", "EMPTY=", "D=${A}", NULL};
	struct settings_source from = {"t.conf", env, true};
	char path[] = P_tmpdir "/picket-test-XXXXXX";
	struct settings *s;
	char text[512];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "https://sec@h/9\r\n", 17), 17);
	(void)close(fd);
	(void)snprintf(text, sizeof text,
		"[spool]\ndir = /x/${A}/${NO:-two}/${EMPTY:-three}${EMPTY}/${D}\n"
		"[listen]\npath_prefix = /${$}{x} ${;}\n"
		"[upstream]\ndsn = ${file:%s}\n",
		path);
	/* A blank in path_prefix is refused, so show that escapes arrive as text. */
	{
		struct err err = {0};

		assert_non_null(strstr(load_bad(str_of(text), &from, &err), "\"/${x} ;\" has"));
	}
	(void)snprintf(text, sizeof text,
		"[spool]\ndir = /x/${A}/${NO:-two}/${EMPTY:-three}${EMPTY}/${D}\n"
		"[upstream]\ndsn = ${file:%s}\n",
		path);
	s = load_good(text, &from);
	assert_string_equal(s->spool.dir, "/x/one/two/three/${A}");
	assert_string_equal(s->upstream.dsn, "https://sec@h/9");
	settings_unref(s);
	(void)unlink(path);
}

/* A pipe that nobody writes to must not stop a daemon that reads its settings anew. */
static void a_silent_pipe_is_an_error_and_a_late_one_is_read(void **state)
{
	const char *const env[] = {NULL};
	struct settings_source from = {"t.conf", env, true};
	char dir[] = P_tmpdir "/picket-test-XXXXXX";
	struct err err = {0};
	struct buf out = BUF_INIT;
	char path[64], text[128];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)snprintf(text, sizeof text, "[spool]\ndir = ${file:%s}\n", path);
	assert_non_null(
		strstr(load_bad(str_of(text), &from, &err), "nothing came within a second"));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "late", 4), 4);
	assert_int_equal(file_read_soon(path, 100, &out, &err), E_TIMEOUT); /* no end to it */
	assert_true(str_eq(buf_view(&out), STR("late")));
	assert_int_equal(close(fd), 0);
	buf_fini(&out);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void what_came_from_a_file_is_not_shown(void **state)
{
	char path[] = P_tmpdir "/picket-test-XXXXXX";
	struct err err = {0};
	char text[128];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hidden", 6), 6);
	(void)close(fd);
	(void)snprintf(text, sizeof text, "[spool]\nmax_size = ${file:%s}\n", path);
	assert_null(strstr(load_bad(str_of(text), &dev_source, &err), "hidden"));
	assert_non_null(strstr(err.text, "${file:"));
	(void)unlink(path);
}

static void an_included_file_is_bounded_text(void **state)
{
	char path[] = P_tmpdir "/picket-test-XXXXXX";
	struct err err = {0};
	char text[128];
	char want[256];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)snprintf(text, sizeof text, "[spool]\ndir = ${file:%s}\n", path);
	assert_int_equal(write(fd, "a\0b", 3), 3);
	(void)snprintf(want, sizeof want, "t.conf:2: spool.dir: %s: holds a NUL byte", path);
	assert_string_equal(load_bad(str_of(text), &dev_source, &err), want);
	assert_int_equal(ftruncate(fd, 65537), 0);
	(void)close(fd);
	(void)snprintf(want, sizeof want, "t.conf:2: spool.dir: %s: is larger than 64 KiB", path);
	assert_string_equal(load_bad(str_of(text), &dev_source, &err), want);
	(void)unlink(path);
}

/* --- environment ----------------------------------------------------------- */

static void variables_win_over_files(void **state)
{
	static const char *const env[] = {"PICKET_SPOOL_MAX_SIZE=3M", "PICKET_CONFIG=x",
		"PICKET_RUN_DIR=/r", "PICKET_PORT=tcp://1", "PICKETX=1", "PICKET_LOG=1",
		"PICKET_SPOOL_DIR=${PICKET_RUN_DIR}/s", NULL};
	struct settings_source from = {"t.conf", env, true};
	struct settings *s = load_good("[spool]\nmax_size = 2M\n", &from);

	(void)state;
	assert_int_equal(s->spool.max_size, 3 << 20);
	assert_string_equal(s->spool.dir, "/r/s");
	settings_unref(s);
}

static void bad_variables_are_named(void **state)
{
	static const char *const cases[][2] = {
		{"PICKET_SPOOL_MAX_SIZE=lots",
			"PICKET_SPOOL_MAX_SIZE: spool.max_size: \"lots\" is not a size (try 512M)"},
		{"PICKET_SPOOL_MAXSIZE=1M",
			"PICKET_SPOOL_MAXSIZE: [spool] has no such key (did you mean "
			"PICKET_SPOOL_MAX_SIZE?)"},
		{"PICKET_LOG_ZZZZZZZZ=1",
			"PICKET_LOG_ZZZZZZZZ: [log] has no such key (picket.conf(5) lists the keys "
			"of [log])"},
		{"PICKET_SPOOL_DIR=a\rb",
			"PICKET_SPOOL_DIR: spool.dir: \"a\\x0db\" goes over several lines (an "
			"indented line continues the value above it)"},
		{"PICKET_SPOOL_DIR=a\033b",
			"PICKET_SPOOL_DIR: spool.dir: \"a\\x1bb\" holds a control character"},
		{"PICKET_SPOOL_DIR=\xc3",
			"PICKET_SPOOL_DIR: spool.dir: the value is not UTF-8 text"},
		{"PICKET_UPSTREAM_HEADER=A: b\r\nHost: x",
			"PICKET_UPSTREAM_HEADER: upstream.header: the header \"Host\" belongs to "
			"picket or the connection (leave it out)"},
		{"PICKET_UPSTREAM_HEADER=X: secret\033",
			"PICKET_UPSTREAM_HEADER: upstream.header: \"****\" holds a control "
			"character"},
		{"PICKET_PROJECT_WEB_DSN=x",
			"PICKET_PROJECT_WEB_DSN: projects come from files only (write a [project "
			"NAME] section, its dsn may be ${VARIABLE})"},
		{"SENTRY_DSN=https://secret@h",
			"SENTRY_DSN: upstream.dsn: the DSN has no project (a DSN is "
			"https://KEY@HOST/PROJECT)"},
		{"PICKET_RETRY_MIN=1h",
			"PICKET_RETRY_MIN: retry.min: retry.min is longer than retry.max (make min "
			"the shorter one)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *env[] = {cases[i][0], NULL};
		struct settings_source from = {"t.conf", env, true};
		struct err err = {0};

		assert_string_equal(load_bad(STR(""), &from, &err), cases[i][1]);
	}
}

static void sentry_dsn_is_only_a_default(void **state)
{
	static const char *const env[] = {"SENTRY_DSN=https://env@h/1", NULL};
	struct settings_source from = {"t.conf", env, false};
	struct settings *s = load_good("", &from);

	(void)state;
	assert_string_equal(s->upstream.dsn, "https://env@h/1");
	settings_unref(s);
	s = load_good("[upstream]\ndsn = https://file@h/2\n", &from);
	assert_string_equal(s->upstream.dsn, "https://file@h/2");
	settings_unref(s);
	s = load_good("[upstream]\nurl = https://h\n", &from);
	assert_string_equal(s->upstream.dsn, "");
	settings_unref(s);
}

/* --- files ------------------------------------------------------------------ */

static void path_of(char *path, size_t size, const char *dir, const char *name)
{
	int n = snprintf(path, size, "%s/%s", dir, name);

	assert_true(n > 0 && (size_t)n < size);
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	path_of(path, sizeof path, dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *dir, const char *name)
{
	char path[256];

	path_of(path, sizeof path, dir, name);
	assert_int_equal(remove(path), 0);
}

static void conf_d_is_read_in_order_of_name(void **state)
{
	char dir[] = P_tmpdir "/picket-test-XXXXXX";
	struct settings_source from = {NULL, NULL, true};
	struct settings *s = NULL;
	struct err err = {0};
	char path[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	path_of(path, sizeof path, dir, "conf.d");
	assert_int_equal(load_from(&s, dir, &from, &err), E_OK); /* nothing there */
	settings_unref(s);
	assert_int_equal(mkdir(path, 0700), 0);
	put_file(dir, "picket.conf", "[spool]\nmax_size = 1M\nmax_age = 1h\norder = newest\n");
	put_file(path, "20-b.conf", "[spool]\nmax_size = 3M\n");
	put_file(path, "10-a.conf", "[spool]\nmax_size = 2M\nmax_age = 2h\n");
	put_file(path, "30-c.conf~", "nonsense");
	put_file(path, ".40.conf", "nonsense");
	assert_int_equal(load_from(&s, dir, &from, &err), E_OK);
	assert_int_equal(s->spool.max_size, 3 << 20);
	assert_int_equal(s->spool.max_age, 2 * 3600000);
	assert_int_equal(s->spool.order, ORDER_NEWEST);
	settings_unref(s);
	put_file(path, "50.conf", "\n\n[spool]\nmax_sizes = 3M\n");
	assert_int_equal(load_from(&s, dir, &from, &err), E_INVAL);
	assert_non_null(strstr(err.text, "/conf.d/50.conf:4: spool.max_sizes: unknown key"));
	remove_file(path, "50.conf");

	/* A file named with -c stands alone. */
	path_of(path, sizeof path, dir, "picket.conf");
	from.file = path;
	assert_int_equal(settings_load(&s, &from, &err), E_OK);
	assert_int_equal(s->spool.max_size, 1 << 20);
	settings_unref(s);
	path_of(path, sizeof path, dir, "conf.d");
	remove_file(path, "20-b.conf");
	remove_file(path, "10-a.conf");
	remove_file(path, "30-c.conf~");
	remove_file(path, ".40.conf");
	remove_file(dir, "conf.d");
	remove_file(dir, "picket.conf");
	remove_file(dir, "");
}

static void without_any_file_sentry_dsn_is_enough(void **state)
{
	static const char *const env[] = {"SENTRY_DSN=https://env@h/1", NULL};
	char dir[] = P_tmpdir "/picket-test-XXXXXX";
	struct settings_source from = {NULL, NULL, false};
	struct settings *s = NULL;
	struct err err = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(load_from(&s, dir, &from, &err), E_INVAL);
	assert_string_equal(err.text,
		"upstream.dsn: no upstream is set (set dsn or url in [upstream], add a [project "
		"NAME], set SENTRY_DSN, or start with --dev)");
	from.env = env;
	assert_int_equal(load_from(&s, dir, &from, &err), E_OK);
	assert_string_equal(s->upstream.dsn, "https://env@h/1");
	settings_unref(s);
	put_file(dir, "conf.d", ""); /* no directory: an error, not a silence */
	assert_int_equal(load_from(&s, dir, &from, &err), E_IO);
	assert_non_null(strstr(err.text, "/conf.d: Not a directory"));
	remove_file(dir, "conf.d");
	remove_file(dir, "");
}

static void a_named_file_must_be_there(void **state)
{
	struct settings_source from = {"/nonexistent/p.conf", NULL, true};
	struct settings *s = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(settings_load(&s, &from, &err), E_NOTFOUND);
	assert_string_equal(err.text, "/nonexistent/p.conf: No such file or directory");
	from.file = "/";
	assert_int_equal(settings_load(&s, &from, &err), E_IO);
	assert_string_equal(err.text, "/: is a directory");
}

/* --- dump -------------------------------------------------------------------- */

static void a_dump_with_secrets_loads_to_equal_settings(void **state)
{
	static const char *const env[] = {"SEMI=X-C: a ;b ${no} #1", NULL};
	struct settings_source from = {"t.conf", env, true};
	struct settings *a =
		load_good("[listen]\nallow_host = a.example b.example c.example d.example "
			  "e.example\n f.example g.example h.example i.example j.example k.example "
			  "l.example\nallow_uid = 1 2\nunix_mode = 0\nheader_timeout = 1500ms\n"
			  "[upstream]\ndsn = https://k@h/1\nheader =\n\tX-A: b\n\t${SEMI}\n"
			  "[spool]\ndir = ${#}x ${;}y\nmax_size = 1048577\ndead_letters = 0\n"
			  "[log]\nlevel = trace\n"
			  "[project a]\nkey = k\ndsn = https://K@h/1\n"
			  "[project b]\nkey = k\nid = 3\ndsn = https://K@h/2\n"
			  "[sampling]\nerrors = 1e-8\ntransactions = 0.3\n"
			  "[ignore]\nerrors = ${;}x\n\t/a: b/i\nloggers = a b\n"
			  "[sample s]\non = event\nwhen = a = 1\n\tor b = 2\nrate = 0.5\n"
			  "[tags]\na = ${;} ${$}{x\nb.c = 1\n[class_set]\nn = A B\n\tC\n",
			&from);
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct settings *b;

	(void)state;
	assert_string_equal(a->spool.dir, "#x ;y");
	assert_string_equal(a->upstream.header.v[1], "X-C: a ;b ${no} #1");
	settings_dump(a, true, &out);
	buf_char(&out, '\0');
	assert_true(buf_ok(&out));
	b = load_good(out.p, &dev_source);
	assert_same(a, b);
	settings_dump(b, true, &again);
	buf_char(&again, '\0');
	assert_string_equal(out.p, again.p);
	buf_fini(&out);
	buf_fini(&again);
	settings_unref(a);
	settings_unref(b);
}

static void the_keys_of_tags_and_class_sets_are_the_users_own(void **state)
{
	static const char *const env[] = {"SHOP=17", NULL};
	struct settings_source from = {"t.conf", env, true};
	struct settings *s = load_good("[tags]\nregion = eu-1\n[class_set]\nnet = A,\n\tpkg.B\n"
				       "[tags]\nshop = no ${SHOP}\n",
		&from);

	(void)state;
	assert_int_equal(s->tags.n, 2);
	assert_string_equal(s->tags.v[0].name, "region");
	assert_string_equal(s->tags.v[1].value, "no 17");
	assert_string_equal(s->tags.v[1].where, "t.conf:7");
	assert_int_equal(s->class_sets.n, 1);
	assert_string_equal(s->class_sets.v[0].value, "A, pkg.B");
	settings_unref(s);
}

static void rates_are_exact_and_places_are_known(void **state)
{
	struct settings *s =
		load_good("[sampling]\nerrors = 0.1\nlogs = 1e-8\nspans = 0\n", &dev_source);

	(void)state;
	assert_true(s->sampling.errors == 0.1);
	assert_true(s->sampling.logs == 1e-8);
	assert_true(s->sampling.spans == 0);
	assert_true(s->sampling.metrics == 1);
	assert_string_equal(settings_where(s, "sampling", "logs"), "t.conf:3");
	assert_null(settings_where(s, "sampling", "metrics"));
	settings_unref(s);
}

static void sentry_variables_are_defaults(void **state)
{
	static const char *const env[] = {
		"SENTRY_RELEASE=r@1", "SENTRY_ENVIRONMENT=e", "PICKET_EVENT_DIST=7", NULL};
	struct settings_source from = {"t.conf", env, true};
	struct settings *s = load_good("[event]\nenvironment = own\n", &from);

	(void)state;
	assert_string_equal(s->event.release, "r@1");
	assert_string_equal(s->event.environment, "own");
	assert_string_equal(s->event.dist, "7");
	settings_unref(s);
}

static void count_free(void *made)
{
	++*(int *)made;
}

static void what_is_attached_goes_with_the_settings(void **state)
{
	struct settings *s = load_good("", &dev_source);
	int freed = 0;

	(void)state;
	assert_null(settings_attached(s));
	settings_attach(s, &freed, count_free);
	assert_ptr_equal(settings_attached(s), &freed);
	settings_unref(settings_ref(s));
	assert_int_equal(freed, 0);
	settings_unref(s);
	assert_int_equal(freed, 1);
}

static void a_dump_without_secrets_holds_none(void **state)
{
	struct settings *s = load_good("[upstream]\ndsn = https://secret:secret@host.io/42\n"
				       "proxy = http://user:secret@proxy:3128\n"
				       "header = X-Token: secret\n"
				       "[project a]\nkey = secret\ndsn = http://secret@h/p/7\n",
		&dev_source);
	struct buf out = BUF_INIT;

	(void)state;
	settings_dump(s, false, &out);
	buf_char(&out, '\0');
	assert_true(buf_ok(&out));
	assert_null(strstr(out.p, "secret"));
	assert_null(strstr(out.p, " \n"));
	assert_non_null(strstr(out.p, "\ndsn = https://****@host.io/42\n"));
	assert_non_null(strstr(out.p, "\nproxy = http://****@proxy:3128\n"));
	assert_non_null(strstr(out.p, "\nheader = X-Token: ****\n"));
	assert_non_null(strstr(out.p, "\nkey = ****\nid =\ndsn = http://****@h/p/7\n"));
	buf_fini(&out);
	settings_unref(s);
}

static void a_dump_without_secrets_hides_what_a_file_gave_to_a_section(void **state)
{
	char path[] = P_tmpdir "/picket-test-XXXXXX";
	struct buf out = BUF_INIT;
	struct settings *s;
	char text[256];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "'hidden'", 8), 8);
	(void)close(fd);
	(void)snprintf(text, sizeof text,
		"[sample a]\non = event\nwhen = event.release == ${file:%s}\nrate = 0.5\n"
		"[rule b]\non = event\nwhen = event.release == ${file:%s}\nthen = drop\n",
		path, path);
	s = load_good(text, &dev_source);
	settings_dump(s, false, &out);
	buf_char(&out, '\0');
	assert_true(buf_ok(&out));
	assert_null(strstr(out.p, "hidden"));
	assert_non_null(strstr(out.p, "[sample a]\non = event\nwhen = ****\nrate = 0.5\n"));
	assert_non_null(strstr(out.p, "[rule b]\non = event\nwhen = ****\nthen = drop\n"));
	buf_fini(&out);
	settings_unref(s);
	(void)unlink(path);
}

static void changes_that_need_a_restart_are_named(void **state)
{
	struct settings *a =
		load_good("[listen]\nhttp = off\n[spool]\nmax_size = 1M\n", &dev_source);
	struct settings *b = load_good("[spool]\ndir = /s\nmax_size = 2M\n", &dev_source);
	struct buf names = BUF_INIT;

	(void)state;
	settings_changed_fixed(a, a, &names);
	assert_int_equal(names.n, 0);
	settings_changed_fixed(a, b, &names);
	buf_char(&names, '\0');
	assert_string_equal(names.p, "listen.http spool.dir");
	buf_fini(&names);
	settings_unref(a);
	settings_unref(b);
}

static void settings_live_as_long_as_a_holder(void **state)
{
	struct settings *s = load_good("[spool]\ndir = /s\n", &dev_source);

	(void)state;
	assert_ptr_equal(settings_ref(s), s);
	settings_unref(s);
	assert_string_equal(s->spool.dir, "/s");
	settings_unref(s);
	settings_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_means_every_default),
		cmocka_unit_test(every_type_reads_what_a_person_writes),
		cmocka_unit_test(a_line_of_197_bytes_is_read_whole),
		cmocka_unit_test(addresses_origins_and_prefixes_that_can_be_are_taken),
		cmocka_unit_test(a_group_of_this_machine_is_taken),
		cmocka_unit_test(names_of_users_become_numbers),
		cmocka_unit_test(projects_keep_their_order),
		cmocka_unit_test(variables_and_files_expand_in_any_value),
		cmocka_unit_test(a_silent_pipe_is_an_error_and_a_late_one_is_read),
		cmocka_unit_test(what_came_from_a_file_is_not_shown),
		cmocka_unit_test(an_included_file_is_bounded_text),
		cmocka_unit_test(variables_win_over_files),
		cmocka_unit_test(bad_variables_are_named),
		cmocka_unit_test(sentry_dsn_is_only_a_default),
		cmocka_unit_test(conf_d_is_read_in_order_of_name),
		cmocka_unit_test(without_any_file_sentry_dsn_is_enough),
		cmocka_unit_test(a_named_file_must_be_there),
		cmocka_unit_test(a_dump_with_secrets_loads_to_equal_settings),
		cmocka_unit_test(the_keys_of_tags_and_class_sets_are_the_users_own),
		cmocka_unit_test(rates_are_exact_and_places_are_known),
		cmocka_unit_test(sentry_variables_are_defaults),
		cmocka_unit_test(what_is_attached_goes_with_the_settings),
		cmocka_unit_test(a_dump_without_secrets_holds_none),
		cmocka_unit_test(a_dump_without_secrets_hides_what_a_file_gave_to_a_section),
		cmocka_unit_test(changes_that_need_a_restart_are_named),
		cmocka_unit_test(settings_live_as_long_as_a_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
