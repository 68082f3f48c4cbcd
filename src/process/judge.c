#include "process/judge.h"

#include <stdlib.h>

#define FIRST_BYTES 1024u

int judge_blame(
	const struct settings *s, const char *section, const char *key, int rc, struct err *err)
{
	const char *where = settings_where(s, section, key);

	if (rc != E_INVAL)
		return rc;
	if (where == NULL)
		return err_wrap(err, rc, "%s.%s", section, key);
	return err_wrap(err, rc, "%s: %s.%s", where, section, key);
}

static void read_rates(struct judge *j)
{
	const struct settings *s = j->settings;
	const double rates[SAMPLED_COUNT] = {
		[SAMPLED_ERROR] = s->sampling.errors,
		[SAMPLED_TRANSACTION] = s->sampling.transactions,
		[SAMPLED_PROFILE] = s->sampling.profiles,
		[SAMPLED_PROFILE_SESSION] = s->sampling.profile_sessions,
		[SAMPLED_REPLAY] = s->sampling.replays,
		[SAMPLED_LOG] = s->sampling.logs,
		[SAMPLED_METRIC] = s->sampling.metrics,
		[SAMPLED_SPAN] = s->sampling.spans,
	};

	for (unsigned k = 0; k < SAMPLED_COUNT; k++) {
		j->rate[k] = rates[k];
		j->is_sampled[k] = j->is_sampled[k] || rates[k] < 1;
		j->samples = j->samples || j->is_sampled[k];
	}
}

/* "30/1m": the time is written as durations are. */
static bool read_storm(struct str text, struct judge *j)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	size_t slash = str_find_char(text, '/'), digits = 0;
	struct str time = str_trim(str_from(text, slash + 1)), unit;
	uint64_t n;

	if (!str_to_u64(str_trim(str_first(text, slash)), 1000000, &j->storm_count) ||
		j->storm_count == 0)
		return false;
	while (digits < time.n && time.p[digits] >= '0' && time.p[digits] <= '9')
		digits++;
	unit = str_from(time, digits);
	if (!str_to_u64(str_first(time, digits), 1000000, &n) || n == 0)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (str_ieq(unit, str_of(units[i].name)))
			j->storm_ms = (int64_t)n * units[i].ms;
	return j->storm_ms > 0;
}

static int check_numbers(struct judge *j, struct err *err)
{
	const struct settings *s = j->settings;
	uint64_t max = s->event.max_value_length;

	if (s->storm.per_issue[0] != '\0' && !read_storm(str_of(s->storm.per_issue), j))
		return judge_blame(s, "storm", "per_issue",
			err_set(err, E_INVAL, "\"%s\" is no number in a time (try 30/1m)",
				s->storm.per_issue),
			err);
	if (max > 0 && max < 4)
		return judge_blame(s, "event", "max_value_length",
			err_set(err, E_INVAL,
				"\"%llu\" leaves no text (at least 4, or 0 for no bound)",
				(unsigned long long)max),
			err);
	return E_OK;
}

static void find_work(struct judge *j)
{
	const struct settings *s = j->settings;
	bool is_placed = j->pod.n > 0 || j->namespace.n > 0 || j->node.n > 0 || j->containers;

	j->ignores = j->ignore.events_needed || j->ignore.transactions_needed;
	j->fills_entries = s->event.release[0] != '\0' || s->event.environment[0] != '\0' ||
			   s->event.server_name[0] != '\0' || j->node.n > 0;
	j->fills = j->fills_entries || s->event.dist[0] != '\0' || s->tags.n > 0 || is_placed;
	j->trims = s->event.max_breadcrumbs > 0 || s->event.max_spans > 0 ||
		   s->event.max_request_body_size != BODY_ALWAYS || s->event.max_frames > 0 ||
		   s->event.strip_locals || s->event.strip_source ||
		   s->event.in_app_include.n > 0 || s->event.in_app_exclude.n > 0;
	j->cuts =
		s->event.max_depth > 0 || s->event.max_breadth > 0 || s->event.max_value_length > 0;
	j->is_needed = j->samples || j->ignores || j->fills || j->trims || j->cuts ||
		       s->dedupe.window > 0 || j->storm_count > 0 || j->hooks != NULL ||
		       j->rules != NULL;
}

static void judge_free(void *made)
{
	struct judge *j = made;

	ignore_fini(&j->ignore);
	rates_fini(j);
	scrubber_free(j->scrubber);
	hooks_free(j->hooks);
	ruleset_free(j->rules);
	arena_free(j->arena);
	free(j);
}

static int load_hooks(struct judge *j, struct err *err)
{
	const struct settings *s = j->settings;
	const struct hooks_options o = {
		.script = s->hooks.script,
		.time_limit_us = s->hooks.time_limit * 1000,
		.memory_limit = s->hooks.memory_limit,
	};
	int rc;

	if (s->hooks.script[0] == '\0')
		return E_OK;
	rc = hooks_new(&j->hooks, &o, err);
	/* A script is part of the settings: what is wrong with it is wrong with them. */
	return rc == E_OK || rc == E_NOMEM ? rc : judge_blame(s, "hooks", "script", E_INVAL, err);
}

int judge_attach(struct settings *s, const char *const *env, struct err *err)
{
	struct judge *j = calloc(1, sizeof *j);
	int rc;

	if (j == NULL)
		return err_set(err, E_NOMEM, "no memory for the settings");
	j->settings = s;
	j->arena = arena_new(FIRST_BYTES, 0);
	rc = j->arena != NULL ? E_OK : err_set(err, E_NOMEM, "no memory for the settings");
	if (rc == E_OK)
		rc = check_numbers(j, err);
	if (rc == E_OK)
		rc = ignore_compile(&j->ignore, j->arena, s, err);
	if (rc == E_OK)
		rc = rates_compile(j, err);
	if (rc == E_OK)
		rc = judge_scrubber(s, &j->scrubber, err);
	if (rc == E_OK && s->rule_count > 0)
		rc = ruleset_load(&j->rules, s, err);
	if (rc == E_OK)
		rc = load_hooks(j, err);
	if (rc != E_OK) {
		judge_free(j);
		return rc;
	}
	kubernetes_read(j, env, KUBERNETES_PODINFO);
	read_rates(j);
	find_work(j);
	settings_attach(s, j, judge_free);
	return E_OK;
}

const struct ruleset *judge_rules(const struct judge *j)
{
	return j != NULL ? j->rules : NULL;
}

const struct hooks *judge_hooks(const struct judge *j)
{
	return j != NULL ? j->hooks : NULL;
}

const struct scrubber *judge_scrubbing(const struct judge *j)
{
	return j != NULL ? j->scrubber : NULL;
}

const struct judge *judge_of(const struct settings *s)
{
	return settings_attached(s);
}
