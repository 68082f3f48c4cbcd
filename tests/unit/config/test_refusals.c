/* Every refused file, with the sentence a person reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/loader.h"
#include "unit/config/support.h"

#define X10  "xxxxxxxxxx"
#define X50  X10 X10 X10 X10 X10
#define X200 X50 X50 X50 X50
#define LOST                                                                                       \
	"text behind \" ;\" would be lost as a comment (put the comment on a line of its own; "    \
	"${;} is a plain semicolon)"
#define DSN_IS   " (a DSN is https://KEY@HOST/PROJECT)"
#define INDENT   "(an indented line continues the value above it)"
#define RESERVED " belongs to picket or the connection (leave it out)"

#define OWN                                                                                        \
	"is this daemon's own listen.http: what it sends would come back to it (give the DSN "     \
	"that Sentry shows for the project)"

static const struct {
	const char *text;
	const char *sentence; /* behind "t.conf:" */
} bad[] = {
	/* grammar, and what inih would cut in silence */
	{"max_size = 1M\n", "1: max_size: stands in no section (put it under a [section] line)"},
	{"[spool]\nmax_size\n", "2: is no \"key = value\", no [section] and no comment " INDENT},
	{"[spool]\n= 3\n", "2: has no key in front of the value"},
	{"[spool\n", "1: the section's name has no ] behind it"},
	{"[spool ;]\n", "1: the section's name has no ] behind it"},
	{"[spool] dir = x\n", "1: text behind the ] would be lost (put it on a line of its own)"},
	{"[spool]\ndir = " X200 "\n",
		"2: the line is longer than 197 bytes (continue a list on indented lines, or put "
		"the value in a file and write ${file:/path})"},
	{"# " X200 "\n",
		"1: the line is longer than 197 bytes (continue a list on indented lines, or put "
		"the value in a file and write ${file:/path})"},
	{"[" X50 "]\n", "1: the section's name is longer than 49 bytes (shorten it)"},
	{"[spool]\n" X50 "=1\n", "2: the key is longer than 49 bytes"},
	{"[spool]\ndir = /a ;b\n", "2: spool.dir: " LOST},
	{"[spool]\ndir = ;b\n", "2: spool.dir: " LOST},
	{"[upstream]\nheader =\n\tA: b\n\tC: d ; e\n", "4: upstream.header: " LOST},
	{"[spool]\ndir = a\rb\n", "2: holds a control character"},
	{"[spool]\ndir = a\033b\n", "2: holds a control character"},
	{"[spool]\ndir = \xff\n", "2: is not UTF-8 text"},
	{"[spool]\ndir = a\ndir = b\n",
		"3: spool.dir: is set twice, first at t.conf:2 (remove one)"},
	{"[spool]\ndir = a\n[log]\n[spool]\ndir = b\n",
		"5: spool.dir: is set twice, first at t.conf:2 (remove one)"},
	/* names */
	{"\n[spol]\n", "2: [spol]: unknown section (did you mean [spool]?)"},
	{"[zzz]\n", "1: [zzz]: unknown section (picket.conf(5) lists the sections)"},
	{"[projects]\n", "1: [projects]: unknown section (picket.conf(5) lists the sections)"},
	{"[spool]\nmax_sise = 1M\n", "2: spool.max_sise: unknown key (did you mean max_size?)"},
	{"[spool]\nlevel = info\n", "2: spool.level: unknown key (did you mean level in [log]?)"},
	{"[retry]\nwarp = 9\n",
		"2: retry.warp: unknown key (picket.conf(5) lists the keys of [retry])"},
	{"[sample]\n",
		"1: \"\" is no sample name (write [sample NAME] with letters, digits, \"-\", "
		"\"_\" and \".\")"},
	{"[sample a]\non = event\n", "1: sample a.rate: is missing (0 to 1, or inherit)"},
	{"[sample a]\nrate = 1\n",
		"1: sample a.on: is missing (what it is about: event, transaction, ...)"},
	{"[sample a]\non = event\nrate = 1\nrate = 2\n",
		"4: sample a.rate: is set twice, first at t.conf:3 (remove one)"},
	{"[sample a]\nrates = 1\n", "2: sample a.rates: unknown key (did you mean rate?)"},
	{"[sample a]\non = event\nrate = 1\n[sample a]\n",
		"4: [sample a] is there already, first at t.conf:1 (give it another name)"},
	{"[tag]\n", "1: [tag]: unknown section (did you mean [tags]?)"},
	{"[class_sets]\n", "1: [class_sets]: unknown section (did you mean [class_set]?)"},
	{"[tags]\na b = 1\n",
		"2: tags.a b: is no name of a tag (letters, digits, \"-\", \"_\" and \".\")"},
	{"[tags]\na =\n", "2: tags.a: is empty (remove it)"},
	{"[tags]\na = 1\na = 2\n", "3: tags.a: is set twice, first at t.conf:2 (remove one)"},
	{"[tags]\na = 1\n\t2\n",
		"2: tags.a: \"1\\n2\" goes over several lines or holds a control character"},
	/* types and ranges */
	{"[sampling]\nerrors = 1.5\n", "2: sampling.errors: \"1.5\" is not a rate (0 to 1)"},
	{"[sampling]\nerrors = -0.1\n", "2: sampling.errors: \"-0.1\" is not a rate (0 to 1)"},
	{"[sampling]\nerrors = 10%\n", "2: sampling.errors: \"10%\" is not a rate (try 0.25)"},
	{"[sampling]\nmode = absolut\n",
		"2: sampling.mode: \"absolut\" is not one of absolute, relative (did you mean "
		"absolute?)"},
	{"[spool]\nmax_size = 2 potatoes\n",
		"2: spool.max_size: \"2 potatoes\" is not a size (try 512M)"},
	{"[spool]\nmax_size =\n", "2: spool.max_size: \"\" is not a size (try 512M)"},
	{"[spool]\nmax_size = 99999999999999999999\n",
		"2: spool.max_size: \"99999999999999999999\" is not a size (try 512M)"},
	{"[spool]\nmax_size = 9999999999T\n",
		"2: spool.max_size: \"9999999999T\" is not a size (try 512M)"},
	{"[spool]\nmax_size = -1\n", "2: spool.max_size: \"-1\" is not a size (try 512M)"},
	{"[spool]\nmax_size = 10\n", "2: spool.max_size: \"10\" is too small (at least 1M)"},
	{"[spool]\nmax_size = 2T\n", "2: spool.max_size: \"2T\" is too large (at most 1T)"},
	{"[spool]\nmax_age = 30\n", "2: spool.max_age: \"30\" has no unit (try 30s)"},
	{"[spool]\nmax_age = soon\n", "2: spool.max_age: \"soon\" is not a duration (try 7d)"},
	{"[spool]\nmax_age = 1s\n\tmax_size = 1M\n",
		"2: spool.max_age: \"1s\\nmax_size = 1M\" is not a duration (try 7d)"},
	{"[listen]\nmax_connections = many\n",
		"2: listen.max_connections: \"many\" is not a whole number (try 1024)"},
	{"[listen]\nmax_connections = 0\n",
		"2: listen.max_connections: \"0\" is too small (at least 1)"},
	{"[listen]\nunix_mode = 00000777\n",
		"2: listen.unix_mode: \"00000777\" is not an octal file mode (try 0660)"},
	{"[listen]\nunix_mode = rw\n",
		"2: listen.unix_mode: \"rw\" is not an octal file mode (try 0660)"},
	{"[listen]\nunix_mode = 1777\n",
		"2: listen.unix_mode: \"1777\" is too large (at most 0777)"},
	{"[upstream]\nhttp2 = maybe\n",
		"2: upstream.http2: \"maybe\" is neither yes nor no (try yes)"},
	{"[upstream]\ncompression = zstdd\n",
		"2: upstream.compression: \"zstdd\" is not one of zstd, gzip, none (did you mean "
		"zstd?)"},
	{"[log]\nlevel = noisy\n",
		"2: log.level: \"noisy\" is not one of error, warn, info, debug, trace (try info)"},
	{"[spool]\ndir = /a\n /b\n", "2: spool.dir: \"/a\\n/b\" goes over several lines " INDENT},
	/* expansion */
	{"[spool]\ndir = ${NOPE}\n",
		"2: spool.dir: the variable NOPE is not set (set it, or write ${NOPE:-default})"},
	{"[spool]\ndir = ${NOPE\n",
		"2: spool.dir: ${ has no } behind it (write ${$}{ for a literal ${)"},
	{"[spool]\ndir = ${a b}\n",
		"2: spool.dir: \"a b\" in ${ } is no variable (write ${NAME}, ${NAME:-default} or "
		"${file:/path}; ${$}{ for a literal ${)"},
	{"[spool]\ndir = ${1A}\n",
		"2: spool.dir: \"1A\" in ${ } is no variable (write ${NAME}, ${NAME:-default} or "
		"${file:/path}; ${$}{ for a literal ${)"},
	{"[spool]\ndir = ${A:-${B}}\n", "2: spool.dir: expansions do not nest"},
	{"[spool]\ndir = ${file:/nonexistent/x}\n",
		"2: spool.dir: /nonexistent/x: No such file or directory"},
	/* shapes */
	{"[listen]\nhttp = 4690\n",
		"2: listen.http: \"4690\" is not HOST:PORT (try 127.0.0.1:4690, [::1]:4690, or "
		"off)"},
	{"[listen]\nhttp = ::1:4690\n",
		"2: listen.http: \"::1:4690\" is not HOST:PORT (try 127.0.0.1:4690, [::1]:4690, or "
		"off)"},
	{"[listen]\nhttp = localhost:65536\n",
		"2: listen.http: \"localhost:65536\" is not HOST:PORT (try 127.0.0.1:4690, "
		"[::1]:4690, or off)"},
	{"[listen]\nhttp = [::1\n",
		"2: listen.http: \"[::1\" is not HOST:PORT (try 127.0.0.1:4690, [::1]:4690, or "
		"off)"},
	{"[listen]\nhttp = [::zz]:80\n",
		"2: listen.http: \"[::zz]:80\" is not HOST:PORT (try 127.0.0.1:4690, [::1]:4690, "
		"or off)"},
	{"[listen]\nhttp = [::1]80\n",
		"2: listen.http: \"[::1]80\" is not HOST:PORT (try 127.0.0.1:4690, [::1]:4690, or "
		"off)"},
	{"[listen]\nhttp =\n",
		"2: listen.http: \"\" is not HOST:PORT (try 127.0.0.1:4690, [::1]:4690, or off)"},
	{"[listen]\nunix =\n", "2: listen.unix: \"\" names no socket (write off for none)"},
	{"[control]\nunix = /" X50 X50 X10 "\n", "2: control.unix: \"/" X50 X10 X10
						 "xxx...\" is too long for a Unix socket (at most "
						 "107 bytes)"},
	{"[listen]\nunix_group = no-such-group\n",
		"2: listen.unix_group: \"no-such-group\" is no group of this machine (see getent "
		"group)"},
	{"[listen]\nallow_uid = 0 no-such-user\n",
		"2: listen.allow_uid: \"no-such-user\" is no user of this machine (see getent "
		"passwd)"},
	{"[listen]\nallow_uid = 4294967295\n",
		"2: listen.allow_uid: \"4294967295\" is no user of this machine (see getent "
		"passwd)"},
	{"[listen]\nallow_origin = example.com\n",
		"2: listen.allow_origin: \"example.com\" is no origin (try "
		"https://app.example.com, or *)"},
	{"[listen]\nallow_host = a/b\n",
		"2: listen.allow_host: \"a/b\" is no host name (try relay.example.com, or *)"},
	{"[listen]\npath_prefix = sentry/\n",
		"2: listen.path_prefix: \"sentry/\" does not start with / or ends with one (try "
		"/sentry)"},
	{"[listen]\npath_prefix = /a?b\n",
		"2: listen.path_prefix: \"/a?b\" has a blank, a query or a % in it (try /sentry)"},
	{"[upstream]\nurl = sentry.io\n",
		"2: upstream.url: \"sentry.io\" is no https:// or http:// URL (try "
		"https://sentry.example.com)"},
	{"[upstream]\nurl = https://k@sentry.io/1\n",
		"2: upstream.url: the URL has a user or key in it (a DSN goes into upstream.dsn)"},
	{"[upstream]\nurl = https//secretkey@sentry.io /1\n",
		"2: upstream.url: the URL has a user or key in it (a DSN goes into upstream.dsn)"},
	{"[upstream]\nurl = https://a b\n",
		"2: upstream.url: \"https://a b\" is no https:// or http:// URL (try "
		"https://sentry.example.com)"},
	{"[upstream]\nurl = https://:80/\n",
		"2: upstream.url: \"https://:80/\" has no host that can be (try "
		"https://sentry.example.com)"},
	{"[upstream]\nurl = https://a/?q\n",
		"2: upstream.url: \"https://a/?q\" has a query or fragment (leave it out)"},
	{"[upstream]\ndsn = ${https://secretkey@h/1}\n",
		"2: upstream.dsn: \"https\" in ${ } is no variable (write ${NAME}, "
		"${NAME:-default} or ${file:/path}; ${$}{ for a literal ${)"},
	{"[upstream]\nproxy = http://u:secret@:1\n",
		"2: upstream.proxy: the value is no proxy URL (try http://proxy.example.com:3128, "
		"or off)"},
	{"[upstream]\nproxy = u:p@host\n",
		"2: upstream.proxy: the value is no proxy URL (try http://proxy.example.com:3128, "
		"or off)"},
	{"[upstream]\nca_file = /nonexistent/ca.pem\n",
		"2: upstream.ca_file: \"/nonexistent/ca.pem\" cannot be read: No such file or "
		"directory"},
	{"[upstream]\nheader = X\n",
		"2: upstream.header: a line has no colon (write \"Name: value\", one a line)"},
	{"[upstream]\nheader = X Y: z\n",
		"2: upstream.header: \"X Y\" is no header name (write \"Name: value\")"},
	{"[upstream]\nheader = X:\n",
		"2: upstream.header: the header \"X\" has no value (write \"Name: value\")"},
	{"[upstream]\nheader =\n A: b\n transfer-encoding: chunked\n",
		"2: upstream.header: the header \"transfer-encoding\"" RESERVED},
	{"[upstream]\nheader = X-Sentry-Auth: Sentry sentry_key=k\n",
		"2: upstream.header: the header \"X-Sentry-Auth\"" RESERVED},
	{"[upstream]\nheader = authorization: Bearer t\n",
		"2: upstream.header: the header \"authorization\"" RESERVED},
	{"[spool]\ndir =\n", "2: spool.dir: \"\" names no directory (try /var/lib/picket)"},
	/* DSNs (P-004); the key is never in the sentence */
	{"[upstream]\ndsn = ftp://secretkey@h/1\n",
		"2: upstream.dsn: the DSN does not start with https:// or http://" DSN_IS},
	{"[upstream]\ndsn = https://h/1\n", "2: upstream.dsn: the DSN has no key" DSN_IS},
	{"[upstream]\ndsn = https://@h/1\n", "2: upstream.dsn: the DSN has no key" DSN_IS},
	{"[upstream]\ndsn = https://secret%key@h/1\n",
		"2: upstream.dsn: the DSN has a key with characters that keys do not have" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@/1\n", "2: upstream.dsn: the DSN has no host" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@:80/1\n",
		"2: upstream.dsn: the DSN has no host" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@h:x/1\n",
		"2: upstream.dsn: the DSN has a host or port that cannot be" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@h\n",
		"2: upstream.dsn: the DSN has no project" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@h/\n",
		"2: upstream.dsn: the DSN has no project" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@h/a/b\n",
		"2: upstream.dsn: the DSN has a project that is not a number from 1 on" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@h/0\n",
		"2: upstream.dsn: the DSN has a project that is not a number from 1 on" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@h/1?x\n",
		"2: upstream.dsn: the DSN has a blank, a query or a fragment" DSN_IS},
	{"[upstream]\ndsn = https://secretkey@h/1\n more\n",
		"2: upstream.dsn: \"****\" goes over several lines " INDENT},
	/* projects */
	{"[project]\n",
		"1: \"\" is no project name (write [project NAME] with letters, digits, \"-\", "
		"\"_\" and \".\")"},
	{"[project a b]\n",
		"1: \"a b\" is no project name (write [project NAME] with letters, digits, \"-\", "
		"\"_\" and \".\")"},
	{"[project web]\ndsm = x\n", "2: project web.dsm: unknown key (did you mean dsn?)"},
	{"[project web]\nurl = x\n",
		"2: project web.url: unknown key (a project has key, id, dsn)"},
	{"[project web]\nkey = a b\n", "2: project web.key: a client key has 1 to 64 letters, "
				       "digits, \"-\" and \"_\" (try "
				       "app)"},
	{"[project web]\nid = x1\n",
		"2: project web.id: \"x1\" is no project id (digits, or leave it empty for any)"},
	{"[project web]\ndsn = https://secretkey@h/x\n",
		"2: project web.dsn: the DSN has a project that is not a number from 1 on" DSN_IS},
	{"[project web]\nkey = a\nkey = b\n",
		"3: project web.key: is set twice, first at t.conf:2 (remove one)"},
	{"[project web]\ndsn = https://k@h/1\n",
		"1: project web.key: is missing (the key in the client's DSN: "
		"http://KEY@HOST/ID)"},
	{"[project web]\nkey = a\n", "1: project web.dsn: is missing (where its envelopes go: "
				     "https://KEY@HOST/PROJECT)"},
	{"[project web]\nkey = a\ndsn = http://k@h/1\n[project web]\nkey = b\ndsn = http://k@h/1\n",
		"4: [project web] is there already, first at t.conf:1 (give it another name)"},
	{"[project web]\nkey = a\nid = 1\ndsn = http://k@h/1\n"
	 "[project app]\nkey = a\nid = 1\ndsn = http://k@h/2\n",
		"6: project app.key: the same key and id as project web at t.conf:2 (change key or "
		"id of one)"},
	/* keys together */
	{"[listen]\nhttp = off\nunix = off\n",
		"2: listen.http: every listener is off (set http, unix or unixgram in [listen])"},
	{"[listen]\nunix = /s\nunixgram = /s\n",
		"3: listen.unixgram: is the same socket as listen.unix (give it another path)"},
	{"[listen]\nunix = /s\n[control]\nunix = /s\n",
		"4: control.unix: is the same socket as one in [listen] (give it another path)"},
	{"[upstream]\naccept = known\n", "2: upstream.accept: \"known\" lets nobody in without a "
					 "[project NAME] (add one, or "
					 "accept = any)"},
	{"[upstream]\nclient_key = /dev/null\n",
		"2: upstream.client_key: has no certificate (set client_cert too)"},
	{"[upstream]\ndsn = http://k@127.0.0.1:4690/1\n", "2: upstream.dsn: " OWN},
	{"[upstream]\nurl = http://LOCALHOST:4690\n", "2: upstream.url: " OWN},
	{"[listen]\nhttp = 0.0.0.0:80\n[upstream]\ndsn = http://k@[::1]/1\n",
		"4: upstream.dsn: " OWN},
	{"[project web]\nkey = a\ndsn = http://k@localhost:4690/1\n", " project web.dsn: " OWN},
	{"[retry]\nmin = 10m\n",
		"2: retry.min: retry.min is longer than retry.max (make min the shorter one)"},
	{"[retry]\nmin = 10s\nmax = 9s\n",
		"3: retry.max: retry.min is longer than retry.max (make min the shorter one)"},
};

static void another_picketd_is_no_loop(void **state)
{
	static const char *const good[] = {"[upstream]\ndsn = http://k@127.0.0.1:4691/1\n",
		"[upstream]\ndsn = http://k@picket.example:4690/1\n",
		"[upstream]\ndsn = https://k@127.0.0.1:4690/1\n",
		"[listen]\nhttp = off\n[upstream]\ndsn = http://k@127.0.0.1:4690/1\n",
		"[listen]\nhttp = 127.0.0.1:0\n[upstream]\ndsn = http://k@127.0.0.1:80/1\n"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct settings *s = NULL;
		struct err err = {0};

		if (settings_parse_text(&s, str_of(good[i]), &dev_source, &err) != E_OK)
			fail_msg("%s: %s", good[i], err.text);
		settings_unref(s);
	}
}

static void every_refusal_names_place_key_value_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err = {0};
		const char *got = load_bad(str_of(bad[i].text), &dev_source, &err);

		if (strncmp(got, "t.conf:", 7) != 0)
			fail_msg("no place in: %s", got);
		assert_string_equal(got + 7, bad[i].sentence);
		assert_null(strstr(got, "secret"));
	}
}

static void nul_bytes_are_refused(void **state)
{
	struct err err = {0};

	(void)state;
	assert_string_equal(load_bad(STR("[spool]\ndir = a\0b\n"), &dev_source, &err),
		"t.conf:2: holds a NUL byte");
}

static void a_text_of_more_than_a_mebibyte_is_refused(void **state)
{
	struct buf text = BUF_INIT;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < 32769; i++)
		buf_cstr(&text, "# 123456789 123456789 123456789\n");
	assert_true(buf_ok(&text));
	assert_string_equal(
		load_bad(buf_view(&text), &dev_source, &err), "t.conf: is larger than 1024 KiB");
	assert_int_equal(err.code, E_TOOBIG);
	buf_fini(&text);
}

static void without_dev_an_upstream_must_exist(void **state)
{
	static const struct settings_source from = {"t.conf", NULL, false};
	struct err err = {0};

	(void)state;
	assert_string_equal(load_bad(STR("[spool]\n"), &from, &err),
		"t.conf: upstream.dsn: no upstream is set (set dsn or url in [upstream], add a "
		"[project NAME], set SENTRY_DSN, or start with --dev)");
	settings_unref(load_good("[upstream]\nurl = https://s.example/\n", &from));
	settings_unref(load_good("[upstream]\ndsn = https://k@h/1\n", &from));
	settings_unref(load_good("[project a]\nkey = k\ndsn = https://k@h/1\n", &from));
}

static void too_little_memory_is_an_error_and_leaks_nothing(void **state)
{
	static const char text[] = "[listen]\nallow_uid = 0 1 2 3\n[upstream]\ndsn = "
				   "https://k@h/1\nheader =\n A: b\n C: d\n"
				   "[project a]\nkey = a\ndsn = https://k@h/1\n"
				   "[project b]\nkey = b\ndsn = https://k@h/1\n";
	size_t limit = 1;
	int rc;

	(void)state;
	do {
		struct settings *s = NULL;
		struct err err = {0};

		rc = load_text(&s, "t.conf", STR(text), &dev_source, limit, &err);
		if (rc != E_OK)
			assert_int_equal(rc, E_NOMEM);
		settings_unref(s);
		limit += 97;
		assert_true(limit < 200000);
	} while (rc != E_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_picketd_is_no_loop),
		cmocka_unit_test(every_refusal_names_place_key_value_and_remedy),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(a_text_of_more_than_a_mebibyte_is_refused),
		cmocka_unit_test(without_dev_an_upstream_must_exist),
		cmocka_unit_test(too_little_memory_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
