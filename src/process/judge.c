#include <stdlib.h>

#include "process/judge.h"

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
		j->samples = j->samples || rates[k] < 1;
	}
}

static void judge_free(void *made)
{
	free(made);
}

int judge_attach(struct settings *s, struct err *err)
{
	struct judge *j = calloc(1, sizeof *j);

	if (j == NULL)
		return err_set(err, E_NOMEM, "no memory for the settings");
	j->settings = s;
	read_rates(j);
	j->is_needed = j->samples;
	settings_attach(s, j, judge_free);
	return E_OK;
}

const struct judge *judge_of(const struct settings *s)
{
	return settings_attached(s);
}
