/* How fast a payload goes through: our index and write against jansson's parse
 * and dump, on captured payloads and on generated ones of about 10 KiB.
 *
 * Both run in this process, by turns, over the same texts; each round touches
 * every text once, so that no text stays in the nearest cache for long. The
 * figure is the median of the rounds' ratios. Run from the top directory.
 */
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "json/json.h"

#define ROUNDS    15
#define GENERATED 400
#define TARGET    5.0
#define TEXTS_MAX 4096

struct texts {
	struct str at[TEXTS_MAX];
	size_t n;
	size_t bytes;
};

static void texts_add(struct texts *t, const char *p, size_t n)
{
	char *copy;

	if (t->n == TEXTS_MAX || (copy = malloc(n)) == NULL)
		return;
	memcpy(copy, p, n);
	t->at[t->n++] = str_make(copy, n);
	t->bytes += n;
}

static void texts_free(struct texts *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free((void *)(uintptr_t)t->at[i].p);
	t->n = 0;
}

/* --- captured -------------------------------------------------------------- */

/* Payloads are the lines that are objects of some size; headers are short. */
static void take_payloads(struct texts *t, const char *p, size_t n)
{
	struct str rest = str_make(p, n), line;

	while (str_cut(&rest, '\n', &line)) {
		json_t *j;

		if (line.n < 400 || line.p[0] != '{')
			continue;
		j = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
		if (j != NULL)
			texts_add(t, line.p, line.n);
		json_decref(j);
	}
}

static void take_file(struct texts *t, const char *path)
{
	const size_t max = 1 << 20;
	char *bytes = malloc(max);
	FILE *f = fopen(path, "rb");

	if (f != NULL && bytes != NULL)
		take_payloads(t, bytes, fread(bytes, 1, max, f));
	if (f != NULL)
		(void)fclose(f);
	free(bytes);
}

/* One directory for each SDK. */
static void take_captured(struct texts *t)
{
	glob_t found;
	size_t i;

	if (glob("tests/data/captured/*/*", 0, NULL, &found) != 0)
		return;
	for (i = 0; i < found.gl_pathc; i++)
		take_file(t, found.gl_pathv[i]);
	globfree(&found);
}

/* --- generated ------------------------------------------------------------- */

static const char *word(struct rng *r)
{
	static const char *const words[] = {"checkout", "payment", "order", "customer", "render",
		"dispatch", "queue", "handler", "session", "cache", "inventory", "shipping",
		"login", "refund", "mailer", "report"};

	return words[rng_below(r, sizeof words / sizeof words[0])];
}

static void add_frame(struct buf *b, struct rng *r, bool first)
{
	int i;

	buf_printf(b,
		"%s{\"filename\":\"app/%s/%s.py\",\"abs_path\":\"/srv/app/%s/%s_%llu.py\","
		"\"function\":\"%s_%s\",\"module\":\"app.%s\",\"lineno\":%llu,\"in_app\":%s,",
		first ? "" : ",", word(r), word(r), word(r), word(r),
		(unsigned long long)rng_below(r, 1000), word(r), word(r), word(r),
		(unsigned long long)rng_below(r, 2000), rng_below(r, 2) != 0 ? "true" : "false");
	buf_printf(b, "\"context_line\":\"    return self.%s(%s, \\\"%s\\\")\",\"pre_context\":[",
		word(r), word(r), word(r));
	for (i = 0; i < 4; i++)
		buf_printf(b, "%s\"        %s = %s.get('%s')\"", i > 0 ? "," : "", word(r), word(r),
			word(r));
	buf_printf(b, "],\"vars\":{\"%s\":\"'%s'\",\"%s\":\"<%s object at 0x%llx>\",\"n\":%llu}}",
		word(r), word(r), word(r), word(r), (unsigned long long)rng_next(r),
		(unsigned long long)rng_below(r, 100000));
}

static void generate(struct buf *b, struct rng *r)
{
	int i;

	buf_printf(b,
		"{\"event_id\":\"%016llx%016llx\",\"platform\":\"python\",\"level\":\"error\","
		"\"timestamp\":%llu.%06llu,\"release\":\"%s@%llu.%llu.0\",\"exception\":{"
		"\"values\":[{"
		"\"type\":\"%sError\",\"value\":\"could not %s the %s: "
		"\\\"%s\\\"\",\"stacktrace\":{"
		"\"frames\":[",
		(unsigned long long)rng_next(r), (unsigned long long)rng_next(r),
		1700000000 + (unsigned long long)rng_below(r, 100000000),
		(unsigned long long)rng_below(r, 1000000), word(r),
		(unsigned long long)rng_below(r, 20), (unsigned long long)rng_below(r, 20), word(r),
		word(r), word(r), word(r));
	for (i = 0; b->n < 7000; i++)
		add_frame(b, r, i == 0);
	buf_cstr(b, "]}}]},\"breadcrumbs\":{\"values\":[");
	for (i = 0; b->n < 9200; i++)
		buf_printf(b,
			"%s{\"type\":\"default\",\"category\":\"%s.%s\",\"timestamp\":%llu.%llu,"
			"\"message\":\"%s %s took %llu ms\",\"data\":{\"status_code\":%llu,\"url\":"
			"\"https://shop.example.com/%s/%llu\"}}",
			i > 0 ? "," : "", word(r), word(r),
			1700000000 + (unsigned long long)rng_below(r, 100000000),
			(unsigned long long)rng_below(r, 1000000), word(r), word(r),
			(unsigned long long)rng_below(r, 900),
			200 + (unsigned long long)rng_below(r, 300), word(r),
			(unsigned long long)rng_below(r, 100000));
	buf_printf(b,
		"]},\"tags\":{\"%s\":\"%s\",\"server\":\"web-%llu\"},\"user\":{\"id\":\"%llu\","
		"\"email\":\"jane.doe.fake@example.com\"},\"request\":{\"url\":\"https://"
		"shop.example."
		"com/%s\",\"method\":\"POST\",\"headers\":{\"User-Agent\":\"Mozilla/5.0 (X11; "
		"Linux "
		"x86_64)\",\"Accept\":\"*/"
		"*\",\"Content-Length\":\"%llu\"}},\"contexts\":{\"runtime\":{"
		"\"name\":\"CPython\",\"version\":\"3.11.2\"}},\"extra\":{\"%s\":[1,2.5,null,true]}"
		","
		"\"sdk\":{\"name\":\"sentry.python\",\"version\":\"2.68.0\"}}",
		word(r), word(r), (unsigned long long)rng_below(r, 100),
		(unsigned long long)rng_below(r, 1000000), word(r),
		(unsigned long long)rng_below(r, 100000), word(r));
}

/* --- measuring ------------------------------------------------------------- */

static int64_t run_jansson(const struct texts *t, size_t *written)
{
	int64_t start = clock_mono_us();
	size_t i;

	for (i = 0; i < t->n; i++) {
		json_t *j = json_loadb(t->at[i].p, t->at[i].n, JSON_ALLOW_NUL, NULL);
		char *out = json_dumps(j, JSON_COMPACT);

		*written += out != NULL ? strlen(out) : 0;
		free(out);
		json_decref(j);
	}
	return clock_mono_us() - start;
}

/* An arena and a buffer of its own for each text, as each envelope has them. */
static int64_t run_ours(const struct texts *t, size_t *written)
{
	int64_t start = clock_mono_us();
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct arena *a = arena_new(0, 0);
		struct json_doc *d = NULL;
		struct buf out = BUF_INIT;

		if (a != NULL && json_parse(&d, a, t->at[i], NULL, NULL) == E_OK)
			json_write(d, json_root(d), &out);
		*written += out.n;
		buf_fini(&out);
		arena_free(a);
	}
	return clock_mono_us() - start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, by_value);
	return v[n / 2];
}

static void measure(const char *name, const struct texts *t, const char *target)
{
	double ratio[ROUNDS], theirs[ROUNDS], ours[ROUNDS];
	size_t sink = 0, repeat = t->bytes > 0 ? 1 + 4000000 / t->bytes : 0, i, k;

	if (t->n == 0) {
		printf("json.index_write_vs_jansson %s no texts found\n", name);
		return;
	}
	for (i = 0; i < ROUNDS; i++) {
		int64_t a = 0, b = 0;

		for (k = 0; k < repeat; k++) {
			a += run_jansson(t, &sink);
			b += run_ours(t, &sink);
		}
		theirs[i] = (double)(t->bytes * repeat) / (double)(a > 0 ? a : 1);
		ours[i] = (double)(t->bytes * repeat) / (double)(b > 0 ? b : 1);
		ratio[i] = ours[i] / theirs[i];
	}
	printf("json.index_write_vs_jansson %s ratio=%.2f%s jansson_mb_s=%.0f ours_mb_s=%.0f "
	       "texts=%zu mean_bytes=%zu rounds=%d\n",
		name, median(ratio, ROUNDS), target, median(theirs, ROUNDS), median(ours, ROUNDS),
		t->n, t->bytes / t->n, ROUNDS);
	if (sink == 0)
		printf("json.index_write_vs_jansson %s wrote nothing\n", name);
}

int main(void)
{
	struct texts *t = calloc(1, sizeof *t);
	struct buf b = BUF_INIT;
	struct rng r;
	char target[32];
	size_t i;

	if (t == NULL)
		return 1;
	take_captured(t);
	measure("captured", t, "");
	texts_free(t);
	t->bytes = 0;
	rng_seed(&r, 20260101);
	for (i = 0; i < GENERATED; i++) {
		buf_clear(&b);
		generate(&b, &r);
		texts_add(t, b.p, b.n);
	}
	(void)snprintf(target, sizeof target, " target=%.1f", TARGET);
	measure("generated", t, target);
	texts_free(t);
	buf_fini(&b);
	free(t);
	return 0;
}
