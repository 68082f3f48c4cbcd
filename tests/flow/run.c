/* Plays *.flow files: run FILE... ; exits 1 when an expectation fails.
 *
 *   set KEY = VALUE            a setting "section.key" (before start)
 *   start | stop | kill -9     the daemon
 *   upstream up|down|hangs|releases
 *   upstream down HOST         only that host
 *   upstream answers STATUS [limits "..."] [retry-after "..."]
 *   client POST KIND NAME [xN] kinds: error transaction log session check_in error+attachment
 *   wait 5s                    on the virtual clock (ms, s, m, h, d)
 *   clock wall +365d|-365d     steps the wall clock only
 *   hold | release
 *   -> STATUS                  of the post before it
 *   -> upstream got NAME once|never|N times
 *   -> upstream got A before B
 *   -> requests at most N      since the flow began
 *   -> probes at least N
 *   -> reports N               client reports the upstream got
 *   -> sent_at of NAME is DURATION old   (against the virtual time it was sent)
 *   -> answer has "TEXT"
 *   -> held|delivered|received CATEGORY N
 *   -> dropped REASON CATEGORY N
 *   -> spool empty | spool has N
 *   -> dead N
 *
 * Several steps of a line are separated by commas, several expectations too.
 * The law of conservation is checked after every line.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow/flow.h"

#define FLOW_TIMEOUT_S 120

struct play {
	struct stage st;
	const char *file;
	unsigned line;
	int status; /* of the last post */
	unsigned failures;
};

static void fail(struct play *p, const char *what, const char *text)
{
	(void)fprintf(stderr, "%s:%u: %s: %s\n", p->file, p->line, what, text);
	p->failures++;
}

static int64_t duration_ms(const char *text)
{
	char unit[8] = "";
	double n = 0;

	if (sscanf(text, "%lf%7[a-z]", &n, unit) < 1)
		return -1;
	if (strcmp(unit, "ms") == 0)
		return (int64_t)n;
	if (strcmp(unit, "s") == 0)
		return (int64_t)(n * 1000);
	if (strcmp(unit, "m") == 0)
		return (int64_t)(n * 60000);
	if (strcmp(unit, "h") == 0)
		return (int64_t)(n * 3600000);
	if (strcmp(unit, "d") == 0)
		return (int64_t)(n * 86400000);
	return -1;
}

static void law_check(struct play *p)
{
	enum category broken;

	if (p->st.relay != NULL && !tally_holds(spool_tally(p->st.relay->spool), &broken))
		fail(p, "the law of conservation is broken for", category_name(broken));
}

/* --- steps ------------------------------------------------------------------ */

static void do_set(struct play *p, const char *arg)
{
	char section[64], key[64], value[512];
	size_t n = strlen(p->st.settings_text);

	if (sscanf(arg, "%63[^.].%63s = %511[^\n]", section, key, value) != 3) {
		fail(p, "set SECTION.KEY = VALUE", arg);
		return;
	}
	(void)snprintf(p->st.settings_text + n, sizeof p->st.settings_text - n, "[%s]\n%s = %s\n",
		section, key, value);
}

static void quoted(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);

	out[0] = '\0';
	if (at == NULL || (at = strchr(at, '"')) == NULL)
		return;
	(void)snprintf(out, size, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
}

static void do_upstream(struct play *p, const char *arg)
{
	struct upstream *u = &p->st.upstream;

	u->down_host[0] = u->rate_limits[0] = u->retry_after[0] = '\0';
	if (strcmp(arg, "up") == 0) {
		u->mode = UPSTREAM_ANSWERS;
		u->status = 200;
	} else if (strncmp(arg, "down", 4) == 0) {
		u->mode = UPSTREAM_DOWN;
		(void)sscanf(arg, "down %63s", u->down_host);
	} else if (strcmp(arg, "hangs") == 0) {
		u->mode = UPSTREAM_HANGS;
	} else if (strcmp(arg, "releases") == 0) {
		u->mode = UPSTREAM_ANSWERS;
		u->status = 200;
		upstream_release(u);
	} else if (sscanf(arg, "answers %d", &u->status) == 1) {
		u->mode = UPSTREAM_ANSWERS;
		quoted(arg, "limits", u->rate_limits, sizeof u->rate_limits);
		quoted(arg, "retry-after", u->retry_after, sizeof u->retry_after);
	} else {
		fail(p, "unknown step: upstream", arg);
	}
}

static void do_client(struct play *p, const char *arg)
{
	char kind[32], name[24], numbered[FLOW_NAME_BYTES];
	unsigned times = 0;
	int n = sscanf(arg, "POST %31s %23s x%u", kind, name, &times);

	if (n < 2) {
		fail(p, "client POST KIND NAME [xN]", arg);
		return;
	}
	if (n == 2) {
		p->status = client_post(&p->st, kind, name);
		return;
	}
	for (unsigned i = 1; i <= times; i++) {
		(void)snprintf(numbered, sizeof numbered, "%.20s%u", name, i);
		p->status = client_post(&p->st, kind, numbered);
	}
}

static void do_clock(struct play *p, const char *arg)
{
	int64_t ms = duration_ms(arg + strlen("wall +"));

	if ((strncmp(arg, "wall +", 6) != 0 && strncmp(arg, "wall -", 6) != 0) || ms < 0)
		fail(p, "clock wall +DURATION", arg);
	else
		p->st.now.wall_ms += arg[5] == '-' ? -ms : ms;
}

static void do_start(struct play *p)
{
	struct err err = {0};

	if (stage_start(&p->st, &err) != E_OK)
		fail(p, "start", err.text);
}

static void step_play(struct play *p, const char *step)
{
	struct err err = {0};

	if (strncmp(step, "set ", 4) == 0) {
		do_set(p, step + 4);
		return;
	}
	if (strcmp(step, "start") == 0) {
		if (p->st.relay == NULL)
			do_start(p);
		return;
	}
	if (p->st.relay == NULL && strncmp(step, "upstream ", 9) != 0 &&
		strncmp(step, "clock ", 6) != 0 && strncmp(step, "wait ", 5) != 0)
		do_start(p);
	if (strcmp(step, "stop") == 0)
		stage_stop(&p->st);
	else if (strcmp(step, "kill -9") == 0)
		(void)stage_kill(&p->st, &err);
	else if (strcmp(step, "hold") == 0)
		forward_hold(p->st.relay->forward, true);
	else if (strcmp(step, "release") == 0)
		forward_hold(p->st.relay->forward, false);
	else if (strncmp(step, "upstream ", 9) == 0)
		do_upstream(p, step + 9);
	else if (strncmp(step, "client ", 7) == 0)
		do_client(p, step + 7);
	else if (strncmp(step, "wait ", 5) == 0 && duration_ms(step + 5) >= 0)
		stage_wait(&p->st, duration_ms(step + 5));
	else if (strncmp(step, "clock ", 6) == 0)
		do_clock(p, step + 6);
	else
		fail(p, "unknown step", step);
	if (p->st.relay != NULL)
		stage_settle(&p->st);
}

/* --- expectations ----------------------------------------------------------- */

static bool number_is(struct play *p, const char *text, uint64_t is, uint64_t expected)
{
	char what[256];

	if (is == expected)
		return true;
	(void)snprintf(what, sizeof what, "%s: is %llu", text, (unsigned long long)is);
	fail(p, "not as expected", what);
	return false;
}

static int64_t first_of(const struct upstream *u, const char *name)
{
	for (size_t i = 0; i < u->got_count; i++) {
		if (strcmp(u->got[i].name, name) == 0)
			return (int64_t)i;
	}
	return -1;
}

static bool expect_got(struct play *p, const char *text)
{
	const struct upstream *u = &p->st.upstream;
	char a[FLOW_NAME_BYTES], b[FLOW_NAME_BYTES], word[16];
	unsigned times = 0;

	if (sscanf(text, "upstream got %31s before %31s", a, b) == 2) {
		if (first_of(u, a) < 0 || first_of(u, b) < 0 || first_of(u, a) > first_of(u, b))
			fail(p, "not as expected", text);
		return true;
	}
	if (sscanf(text, "upstream got %31s %u times", a, &times) == 2)
		return number_is(p, text, upstream_count(u, a), times), true;
	if (sscanf(text, "upstream got %31s %15s", a, word) == 2 &&
		(strcmp(word, "once") == 0 || strcmp(word, "never") == 0)) {
		(void)number_is(p, text, upstream_count(u, a), word[0] == 'o' ? 1 : 0);
		return true;
	}
	return false;
}

static bool expect_tally(struct play *p, const char *text)
{
	const struct tally *t = p->st.relay != NULL ? spool_tally(p->st.relay->spool) : NULL;
	char what[24], reason[40], name[40];
	unsigned n = 0;
	enum category c;
	enum drop_reason why;

	if (t == NULL)
		return false;
	if (sscanf(text, "dropped %39s %39s %u", reason, name, &n) == 3 &&
		drop_parse(str_of(reason), &why) && category_parse(str_of(name), &c)) {
		(void)number_is(p, text, t->dropped[why].of[c], n);
		return true;
	}
	if (sscanf(text, "%23s %39s %u", what, name, &n) != 3 || !category_parse(str_of(name), &c))
		return false;
	if (strcmp(what, "held") == 0)
		return number_is(p, text, t->held.of[c], n), true;
	if (strcmp(what, "delivered") == 0)
		return number_is(p, text, t->delivered.of[c], n), true;
	if (strcmp(what, "received") == 0)
		return number_is(p, text, t->received.of[c], n), true;
	return false;
}

static bool expect_spool(struct play *p, const char *text)
{
	struct spool_stats stats = {0};
	unsigned n = 0;

	if (p->st.relay == NULL)
		return false;
	spool_stats(p->st.relay->spool, p->st.now, &stats);
	if (strcmp(text, "spool empty") == 0)
		return number_is(p, text, stats.records, 0), true;
	if (sscanf(text, "spool has %u", &n) == 1)
		return number_is(p, text, stats.records, n), true;
	if (sscanf(text, "dead %u", &n) == 1)
		return number_is(p, text, stats.dead_records, n), true;
	return false;
}

static bool expect_requests(struct play *p, const char *text)
{
	const struct upstream *u = &p->st.upstream;
	unsigned n = 0;

	if (sscanf(text, "requests at most %u", &n) == 1) {
		if (u->requests > n)
			(void)number_is(p, text, u->requests, n);
		return true;
	}
	if (sscanf(text, "reports %u", &n) == 1)
		return number_is(p, text, u->reports, n), true;
	if (sscanf(text, "probes at least %u", &n) == 1) {
		if (u->probes < n)
			(void)number_is(p, text, u->probes, n);
		return true;
	}
	return false;
}

static bool expect_sent_at(struct play *p, const char *text)
{
	char name[FLOW_NAME_BYTES], age[32];
	const struct upstream *u = &p->st.upstream;
	int64_t at, off;

	if (sscanf(text, "sent_at of %31s is %31s old", name, age) != 2)
		return false;
	at = first_of(u, name);
	if (at < 0) {
		fail(p, "never got there", text);
		return true;
	}
	off = u->got[at].wall_ms - u->got[at].sent_at_us / 1000 - duration_ms(age);
	if (off < -1000 || off > 1000)
		(void)number_is(p, text, (uint64_t)(off + duration_ms(age)), 0);
	return true;
}

static bool expect_answer(struct play *p, const char *text)
{
	char needle[128];

	if (strncmp(text, "answer has ", 11) != 0)
		return false;
	quoted(text, "answer has", needle, sizeof needle);
	if (strstr(client_answer(), needle) == NULL)
		fail(p, "the answer has no", needle);
	return true;
}

static void expectation_check(struct play *p, const char *text)
{
	int status = 0, used = 0;

	if (sscanf(text, "%d%n", &status, &used) == 1 && text[used] == '\0') {
		(void)number_is(p, "status", (uint64_t)p->status, (uint64_t)status);
		return;
	}
	if (!expect_got(p, text) && !expect_spool(p, text) && !expect_requests(p, text) &&
		!expect_sent_at(p, text) && !expect_answer(p, text) && !expect_tally(p, text))
		fail(p, "unknown expectation", text);
}

/* --- lines ------------------------------------------------------------------ */

static char *trimmed(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t\n", end[-1]) != NULL)
		*--end = '\0';
	return s;
}

/* The next part before a comma that stands outside of quotes. */
static char *part_cut(char **rest)
{
	char *start = *rest, *p;
	bool in_quotes = false;

	if (start == NULL)
		return NULL;
	for (p = start; *p != '\0'; p++) {
		if (*p == '"')
			in_quotes = !in_quotes;
		if (*p == ',' && !in_quotes)
			break;
	}
	*rest = *p == ',' ? p + 1 : NULL;
	*p = '\0';
	return trimmed(start);
}

static void line_play(struct play *p, char *line)
{
	char *arrow = strstr(line, "->");
	char *part;

	if (arrow != NULL)
		*arrow = '\0';
	if (strncmp(line, "set ", 4) == 0) { /* its value may have commas */
		step_play(p, trimmed(line));
		return;
	}
	while ((part = part_cut(&line)) != NULL) {
		if (part[0] != '\0')
			step_play(p, part);
	}
	if (arrow != NULL) {
		arrow += 2;
		while ((part = part_cut(&arrow)) != NULL)
			expectation_check(p, part);
	}
	law_check(p);
}

static unsigned flow_play(const char *file)
{
	struct play p = {.file = file};
	struct err err = {0};
	char line[1024];
	FILE *f = fopen(file, "r");

	if (f == NULL || stage_open(&p.st, &err) != E_OK) {
		(void)fprintf(stderr, "%s: %s\n", file, f == NULL ? "cannot open" : err.text);
		return 1;
	}
	while (fgets(line, sizeof line, f) != NULL) {
		char *text = trimmed(line);

		p.line++;
		if (text[0] != '\0' && text[0] != '#')
			line_play(&p, text);
	}
	(void)fclose(f);
	if (p.st.upstream.bad)
		fail(&p, "upstream", "got something that is no legal envelope");
	stage_close(&p.st);
	return p.failures;
}

/* Flows wait for commits more than they compute: each is a process of its own. */
int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	int status;

	(void)signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fork");
			return 2;
		}
		if (pid == 0) {
			(void)alarm(FLOW_TIMEOUT_S);
			_exit(flow_play(argv[i]) == 0 ? 0 : 1);
		}
	}
	while (wait(&status) > 0) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			passed++;
		else
			failed++;
		if (WIFSIGNALED(status))
			(void)fprintf(stderr, "a flow ended by signal %d\n", WTERMSIG(status));
	}
	(void)printf("flows: %u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
