#include "ops/jsonout.h"

#include <inttypes.h>

static void begin_value(struct jsonout *j, const char *key)
{
	if (j->needs_comma)
		buf_char(j->out, ',');
	j->needs_comma = true;
	if (key != NULL) {
		buf_json_str(j->out, str_of(key));
		buf_char(j->out, ':');
	}
}

void jsonout_open(struct jsonout *j, const char *key, char bracket)
{
	begin_value(j, key);
	buf_char(j->out, bracket);
	j->needs_comma = false;
}

void jsonout_close(struct jsonout *j, char bracket)
{
	buf_char(j->out, bracket);
	j->needs_comma = true;
}

void jsonout_int(struct jsonout *j, const char *key, int64_t v)
{
	begin_value(j, key);
	buf_printf(j->out, "%" PRId64, v);
}

void jsonout_uint(struct jsonout *j, const char *key, uint64_t v)
{
	begin_value(j, key);
	buf_printf(j->out, "%" PRIu64, v);
}

void jsonout_bool(struct jsonout *j, const char *key, bool v)
{
	begin_value(j, key);
	buf_cstr(j->out, v ? "true" : "false");
}

void jsonout_str(struct jsonout *j, const char *key, struct str v)
{
	begin_value(j, key);
	buf_json_str(j->out, v);
}

void jsonout_cstr(struct jsonout *j, const char *key, const char *v)
{
	jsonout_str(j, key, v != NULL ? str_of(v) : STR(""));
}
