/* Bodies: first byte chooses encoding and credentials, the rest is the body.
 * Whatever it is, the budget is whole again in the end. */
#include <stdlib.h>

#include "base/check.h"
#include "ingest/frame.h"

static const struct settings *settings(void)
{
	static const char *const env[] = {
		"PICKET_LIMITS_ENVELOPE=256K", "PICKET_LIMITS_MEMORY=1M", NULL};
	static const struct settings_source from = {"/dev/null", env, true};
	static struct settings *loaded;
	struct err err;

	if (loaded == NULL)
		check(settings_load(&loaded, &from, &err) == E_OK);
	return loaded;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ingest_ops ops = {.arg = NULL};
	struct frame_job job = {.settings = settings(), .ops = &ops};
	struct budget budget;

	if (size < 1)
		return 0;
	budget_init(&budget, settings()->limits.memory);
	body_init(&job.body, &budget, 0, settings()->limits.envelope);
	job.env = envelope_new();
	check(job.env != NULL);
	job.encoding = (enum encoding)(data[0] % 5);
	job.auth = (enum frame_auth)(data[0] / 5 % 3);
	if (job.auth != AUTH_OPTIONAL)
		job.env->from.project = STR("42");
	if (job.auth == AUTH_REQUEST)
		job.env->from.key = STR("app");
	if (body_add(&job.body, (const char *)data + 1, size - 1, &job.err) == E_OK) {
		frame_run(&job);
		check(job.rc == E_OK || (job.err.text[0] != '\0' && reply_status(job.rc) >= 400));
		check(job.rc != E_OK || job.auth == AUTH_OPTIONAL || job.env->from.key.n > 0);
	}
	envelope_free(job.env);
	body_fini(&job.body);
	check(budget_used(&budget) == 0);
	return 0;
}
