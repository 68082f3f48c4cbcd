#include "cli/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"

#define SDK "picket-cli"

int event_pair(json_t **object, const char *pair, struct err *err)
{
	const char *eq = strchr(pair, '=');
	json_t *value;

	if (eq == NULL || eq == pair)
		return err_set(err, E_INVAL, "\"%.60s\" is not KEY=VALUE", pair);
	if (!str_is_utf8(str_of(pair)))
		return err_set(err, E_INVAL, "a tag or extra is not UTF-8");
	if (*object == NULL)
		*object = json_object();
	value = json_string(eq + 1);
	/* The key is cut out of pair; jansson wants it terminated. */
	char *key = strndup(pair, (size_t)(eq - pair));
	int rc = key == NULL || json_object_set(*object, key, value) != 0 ? E_NOMEM : E_OK;

	json_decref(value);
	free(key);
	return rc == E_OK ? E_OK : err_set(err, rc, "no memory for \"%.60s\"", pair);
}

const char *event_level(const char *text)
{
	static const char *const levels[] = {"debug", "info", "warning", "error", "fatal"};

	if (strcmp(text, "warn") == 0)
		return "warning";
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (strcmp(text, levels[i]) == 0)
			return levels[i];
	}
	return NULL;
}

static int add_optional(json_t *event, const char *key, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return 0;
	return json_object_set_new(event, key, json_string(text));
}

/* NULL: no memory, or text that is not UTF-8. */
static json_t *payload_of(const struct event *e, const char *id, const char *time)
{
	json_t *p =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "event_id", id, "timestamp",
			time, "platform", "other", "level", e->level != NULL ? e->level : "error",
			"message", e->message, "sdk", "name", SDK, "version", PICKET_VERSION);
	int bad = 0;

	if (p == NULL)
		return NULL;
	bad |= add_optional(p, "environment", e->environment);
	bad |= add_optional(p, "release", e->release);
	bad |= add_optional(p, "server_name", e->server_name);
	if (e->tags != NULL)
		bad |= json_object_set(p, "tags", e->tags);
	if (e->extra != NULL)
		bad |= json_object_set(p, "extra", e->extra);
	if (bad != 0) {
		json_decref(p);
		return NULL;
	}
	return p;
}

int event_write(const struct event *e, struct buf *out, struct err *err)
{
	char id[EVENT_ID_HEX_BYTES], time[RFC3339_BYTES];
	json_t *payload;
	char *text;

	event_id_hex(&e->id, id);
	rfc3339_format(e->wall_us, time);
	payload = payload_of(e, id, time);
	text = payload != NULL ? json_dumps(payload, JSON_COMPACT) : NULL;
	json_decref(payload);
	if (text == NULL)
		return err_set(err, E_INVAL, "the message or another text is not UTF-8");
	buf_printf(out,
		"{\"event_id\":\"%s\",\"sent_at\":\"%s\",\"sdk\":{\"name\":\"" SDK
		"\",\"version\":\"" PICKET_VERSION "\"}}\n"
		"{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":%zu}\n",
		id, time, strlen(text));
	buf_cstr(out, text);
	buf_char(out, '\n');
	free(text);
	return buf_ok(out) ? E_OK : err_set(err, E_NOMEM, "no memory for the event");
}

int event_write_attachment(const char *path, struct str bytes, struct buf *out, struct err *err)
{
	const char *slash = strrchr(path, '/');

	buf_printf(out, "{\"type\":\"attachment\",\"length\":%zu,\"filename\":", bytes.n);
	buf_json_str(out, str_of(slash != NULL ? slash + 1 : path));
	buf_cstr(out, "}\n");
	buf_str(out, bytes);
	buf_char(out, '\n');
	return buf_ok(out) ? E_OK : err_set(err, E_NOMEM, "no memory for the attachment %s", path);
}

void event_fini(struct event *e)
{
	json_decref(e->tags);
	json_decref(e->extra);
	e->tags = e->extra = NULL;
}
