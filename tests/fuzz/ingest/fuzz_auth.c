/* Credentials, targets, hosts and DSN-free texts of heads, one a line:
 * X-Sentry-Auth, Authorization, query, target, Host. */
#include <stdlib.h>

#include "base/check.h"
#include "envelope/dsn.h"
#include "ingest/auth.h"
#include "ingest/guard.h"
#include "ingest/target.h"

static struct str line(struct str *rest)
{
	struct str s = STR_EMPTY;

	(void)str_cut(rest, '\n', &s);
	return s;
}

static void check_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		check((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f && s.p[i] != ',');
}

static void check_credentials(const struct auth_input *in)
{
	struct arena *a = arena_new(1024, 0);
	struct credentials c;
	struct err err = {0};
	int rc;

	check(a != NULL);
	rc = auth_read(in, a, &c, &err);
	check(rc == E_OK || (err.text[0] != '\0' && !c.found));
	if (rc == E_OK && c.found) {
		check(dsn_key_is_local(c.key));
		check(c.protocol.n > 0);
		check_plain(c.client);
		check_plain(c.secret);
	}
	arena_free(a);
}

static void check_target(struct str raw)
{
	char *copy = malloc(raw.n + 1);
	struct target t;
	struct err err;

	check(copy != NULL);
	if (raw.n > 0)
		memcpy(copy, raw.p, raw.n);
	if (target_parse(str_make(copy, raw.n), STR("/a/b"), &t, &err) == E_OK) {
		check(t.path.n > 0);
		check(str_find(t.path, STR("//")) == t.path.n);
		check(t.at.endpoint != ENDPOINT_ENVELOPE || t.at.project.n > 0);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make((const char *)data, size);
	const char *words[] = {"h.example", "[::2]:1"};
	const struct str_list hosts = {2, words};
	struct auth_input in = {.sentry_auth = line(&rest)};
	bool any;

	in.sentry_auth_times = in.sentry_auth.n > 0;
	in.authorization = line(&rest);
	in.authorization_times = in.authorization.n > 0;
	in.query = line(&rest);
	check_credentials(&in);
	check_target(line(&rest));
	(void)guard_origin(rest, &hosts, &any);
	(void)guard_host(rest, &hosts);
	return 0;
}
