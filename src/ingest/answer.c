#include "ingest/answer.h"

#define ERROR_TEXT_MAX 200 /* bytes of X-Sentry-Error (5.2) */

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{508, "Loop Detected"},
	};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return status < 400 ? "OK" : "Error";
}

/* A header of its own; nothing when value is empty. Whatever could end the line
 * becomes a blank. */
static void add_header(struct buf *out, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_cstr(out, name);
	buf_cstr(out, ": ");
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c < 0x20 || c >= 0x7f)
			buf_char(out, ' ');
		else
			buf_char(out, value.p[i]);
	}
	buf_cstr(out, "\r\n");
}

/* Decimal; a printf of its own would cost as much as the rest of an answer. */
static void add_number(struct buf *out, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[sizeof digits - ++n] = "0123456789"[v % 10];
		v /= 10;
	} while (v > 0);
	buf_add(out, digits + sizeof digits - n, n);
}

static void add_cors(struct buf *out, const struct answer_frame *f)
{
	if (f->cors == CORS_NONE)
		return;
	if (f->cors == CORS_ANY) {
		buf_cstr(out, "Access-Control-Allow-Origin: *\r\n");
	} else {
		add_header(out, "Access-Control-Allow-Origin", f->origin);
		buf_cstr(out, "Vary: Origin\r\n");
	}
	buf_cstr(out, "Access-Control-Expose-Headers: "
		      "x-sentry-error, x-sentry-rate-limits, retry-after\r\n");
}

static void begin(struct buf *out, const struct answer_frame *f, int status)
{
	buf_str(out, STR("HTTP/1.1 "));
	add_number(out, (uint64_t)status);
	buf_char(out, ' ');
	buf_cstr(out, reason(status));
	buf_str(out, STR("\r\n"));
	add_cors(out, f);
	if (f->close)
		buf_cstr(out, "Connection: close\r\n");
	else if (f->keep_alive)
		buf_cstr(out, "Connection: keep-alive\r\n");
}

static void add_length(struct buf *out, size_t n)
{
	buf_str(out, STR("Content-Length: "));
	add_number(out, n);
	buf_str(out, STR("\r\n\r\n"));
}

static void end(struct buf *out, const struct answer_frame *f, struct str body)
{
	add_length(out, body.n);
	if (!f->head_only)
		buf_str(out, body);
}

/* {"id":"32 digits"} or {}. */
#define ID_BODY_BYTES 41
static void add_id_body(struct buf *out, const struct event_id *id)
{
	char hex[EVENT_ID_HEX_BYTES];

	if (id == NULL) {
		buf_str(out, STR("{}"));
		return;
	}
	event_id_hex(id, hex);
	buf_str(out, STR("{\"id\":\""));
	buf_add(out, hex, sizeof hex - 1);
	buf_str(out, STR("\"}"));
}

/* One pixel, in 26 bytes. */
#define PIXEL STR("GIF89a\1\0\1\0\0\xff\0,\0\0\0\0\1\0\1\0\0\2\0;")
/* What a PlayStation is to send of a crash (20.4). */
#define PARTS STR("{\"parts\":{\"upload\":[\"corefile\",\"screenshot\"]}}")

static const struct {
	int status;
	const char *content_type; /* NULL: no body */
} kinds[] = {
	[SUCCESS_ID] = {200, "application/json"},
	[SUCCESS_GIF] = {200, "image/gif"},
	[SUCCESS_EMPTY] = {200, NULL},
	[SUCCESS_UUID] = {200, "text/plain"},
	[SUCCESS_CREATED] = {201, NULL},
	[SUCCESS_ACCEPTED] = {202, NULL},
	[SUCCESS_PARTS] = {200, "application/json"},
};

static void end_accepted(const struct answer_frame *f, enum endpoint_success kind,
	const struct event_id *id, struct buf *out)
{
	char uuid[EVENT_ID_UUID_BYTES];

	switch (kind) {
	case SUCCESS_ID:
		add_length(out, id != NULL ? ID_BODY_BYTES : 2);
		add_id_body(out, id);
		return;
	case SUCCESS_GIF:
		end(out, f, PIXEL);
		return;
	case SUCCESS_PARTS:
		end(out, f, PARTS);
		return;
	case SUCCESS_UUID:
		if (id == NULL)
			break;
		event_id_uuid(id, uuid);
		end(out, f, str_of(uuid));
		return;
	case SUCCESS_EMPTY:
	case SUCCESS_CREATED:
	case SUCCESS_ACCEPTED:
		break;
	}
	end(out, f, STR_EMPTY);
}

int answer_accepted(const struct answer_frame *f, enum endpoint_success kind,
	const struct event_id *id, struct str limits, struct buf *out)
{
	int status = kinds[kind].status;

	begin(out, f, status);
	if (kinds[kind].content_type != NULL) {
		buf_str(out, STR("Content-Type: "));
		buf_cstr(out, kinds[kind].content_type);
		buf_str(out, STR("\r\n"));
	}
	add_header(out, "X-Sentry-Rate-Limits", limits);
	end_accepted(f, kind, id, out);
	return status;
}

void answer_refused(const struct answer_frame *f, int status, struct str detail,
	uint32_t retry_after_s, struct str limits, struct str allow, struct buf *out)
{
	struct buf body = BUF_INIT;

	buf_cstr(&body, "{\"detail\":");
	buf_json_str(&body, detail);
	buf_char(&body, '}');
	begin(out, f, status);
	buf_str(out, STR("Content-Type: application/json\r\n"));
	add_header(out, "X-Sentry-Error", str_first(detail, ERROR_TEXT_MAX));
	add_header(out, "X-Sentry-Rate-Limits", limits);
	add_header(out, "Allow", allow);
	if (retry_after_s > 0)
		buf_printf(out, "Retry-After: %u\r\n", (unsigned)retry_after_s);
	end(out, f, buf_ok(&body) ? buf_view(&body) : STR("{}"));
	buf_fini(&body);
}

void answer_page(const struct answer_frame *f, int status, struct str content_type, struct str body,
	bool goes_on, struct buf *out)
{
	begin(out, f, status);
	add_header(out, "Content-Type", content_type);
	buf_cstr(out, "Cache-Control: no-store\r\n");
	if (!goes_on) {
		end(out, f, body);
		return;
	}
	buf_cstr(out, "\r\n");
	if (!f->head_only)
		buf_str(out, body);
}

void answer_options(const struct answer_frame *f, struct str allow, struct buf *out)
{
	begin(out, f, 200);
	add_header(out, "Allow", allow);
	if (f->cors != CORS_NONE)
		buf_cstr(out,
			"Access-Control-Allow-Methods: POST\r\n"
			"Access-Control-Max-Age: 3600\r\n"
			"Access-Control-Allow-Headers: x-sentry-auth, x-requested-with, "
			"x-forwarded-for, origin, referer, accept, content-type, authentication, "
			"authorization, content-encoding, transfer-encoding\r\n");
	end(out, f, STR_EMPTY);
}

void answer_raw_accepted(const struct event_id *id, struct str limits, struct buf *out)
{
	char hex[EVENT_ID_HEX_BYTES];

	buf_cstr(out, "{\"status\":200");
	if (id != NULL) {
		event_id_hex(id, hex);
		buf_printf(out, ",\"id\":\"%s\"", hex);
	}
	if (limits.n > 0) {
		buf_cstr(out, ",\"rate_limits\":");
		buf_json_str(out, limits);
	}
	buf_cstr(out, "}\n");
}

void answer_raw_refused(
	int status, struct str detail, uint32_t retry_after_s, struct str limits, struct buf *out)
{
	buf_printf(out, "{\"status\":%d,\"detail\":", status);
	buf_json_str(out, detail);
	if (retry_after_s > 0)
		buf_printf(out, ",\"retry_after\":%u", (unsigned)retry_after_s);
	if (limits.n > 0) {
		buf_cstr(out, ",\"rate_limits\":");
		buf_json_str(out, limits);
	}
	buf_cstr(out, "}\n");
}
