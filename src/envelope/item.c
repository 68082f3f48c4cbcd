#include "envelope/item.h"

static const struct {
	const char *name;
	bool needs_event;
	enum item_class class;
} types[ITEM_TYPE_COUNT] = {[ITEM_UNKNOWN] = {"unknown", false, CLASS_TELEMETRY},
#define ITEM_ROW(id, name, bound, class) [ITEM_##id] = {(name), (bound), (class)},
	ITEM_TYPES(ITEM_ROW) ITEM_CARRIED_TYPES(ITEM_ROW)
#undef ITEM_ROW
};

const char *item_class_name(enum item_class c)
{
	static const char *const names[CLASS_COUNT] = {
		[CLASS_CHECK_IN] = "check_in",
		[CLASS_ERROR] = "error",
		[CLASS_TRACE] = "trace",
		[CLASS_TELEMETRY] = "telemetry",
		[CLASS_BULK] = "bulk",
	};

	return (unsigned)c < CLASS_COUNT ? names[c] : "unknown";
}

enum item_type item_type_parse(struct str name)
{
	for (unsigned t = ITEM_UNKNOWN + 1; t <= ITEM_NEL; t++) {
		if (str_eq(name, str_of(types[t].name)))
			return (enum item_type)t;
	}
	return ITEM_UNKNOWN;
}

const char *item_type_name(enum item_type t)
{
	return types[(unsigned)t < ITEM_TYPE_COUNT ? t : ITEM_UNKNOWN].name;
}

bool item_type_needs_event(enum item_type t)
{
	return types[(unsigned)t < ITEM_TYPE_COUNT ? t : ITEM_UNKNOWN].needs_event;
}

enum item_class item_type_class(enum item_type t)
{
	return types[(unsigned)t < ITEM_TYPE_COUNT ? t : ITEM_UNKNOWN].class;
}

bool item_needs_event(const struct item *it)
{
	return item_type_needs_event(it->type) && !it->is_trace_bound;
}

enum item_class item_class_of(const struct item *it)
{
	return it->creates_event ? CLASS_ERROR : item_type_class(it->type);
}

enum item_platform item_platform_of(struct str platform)
{
	if (platform.n == 0)
		return PLATFORM_UNKNOWN;
	if (str_eq(platform, STR("cocoa")) || str_eq(platform, STR("android")) ||
		str_eq(platform, STR("javascript")))
		return PLATFORM_UI;
	return PLATFORM_BACKEND;
}

/* The alias says UI by itself. */
static enum item_platform chunk_platform(const struct item *it)
{
	return it->type == ITEM_PROFILE_CHUNK_UI ? PLATFORM_UI : it->platform;
}

#define BIT(c) (UINT64_C(1) << CAT_##c)

static uint64_t attachment_gates(const struct item *it)
{
	if (it->creates_event)
		return BIT(ERROR); /* an attachment limit spares a minidump (P-098) */
	return BIT(ATTACHMENT) | BIT(ATTACHMENT_ITEM) | (it->is_span_bound ? BIT(SPAN) : 0);
}

static uint64_t profile_gates(const struct item *it)
{
	switch (it->platform) {
	case PLATFORM_BACKEND:
		return BIT(PROFILE) | BIT(PROFILE_BACKEND);
	case PLATFORM_UI:
		return BIT(PROFILE) | BIT(PROFILE_UI);
	case PLATFORM_UNKNOWN:
		break;
	}
	return BIT(PROFILE);
}

static uint64_t chunk_gates(const struct item *it)
{
	switch (chunk_platform(it)) {
	case PLATFORM_BACKEND:
		return BIT(PROFILE_CHUNK) | BIT(PROFILE_DURATION);
	case PLATFORM_UI:
		return BIT(PROFILE_CHUNK_UI) | BIT(PROFILE_DURATION_UI);
	case PLATFORM_UNKNOWN:
		break;
	}
	return 0;
}

uint64_t item_gates(const struct item *it)
{
	switch (it->type) {
	case ITEM_EVENT:
	case ITEM_UNREAL_REPORT:
		return BIT(ERROR);
	case ITEM_TRANSACTION:
		return BIT(TRANSACTION);
	case ITEM_FEEDBACK:
	case ITEM_USER_REPORT:
		return BIT(FEEDBACK);
	case ITEM_ATTACHMENT:
		return attachment_gates(it);
	case ITEM_SESSION:
	case ITEM_SESSIONS:
		return BIT(SESSION);
	case ITEM_LOG:
	case ITEM_OTLP_LOGS:
	case ITEM_NEL: /* stored as logs upstream */
		return BIT(LOG_ITEM) | BIT(LOG_BYTE);
	case ITEM_TRACE_METRIC:
		return BIT(TRACE_METRIC) | BIT(TRACE_METRIC_BYTE);
	case ITEM_SPAN:
	case ITEM_OTLP_SPANS:
		return BIT(SPAN);
	case ITEM_PROFILE:
		return profile_gates(it);
	case ITEM_PROFILE_CHUNK:
	case ITEM_PROFILE_CHUNK_UI:
		return chunk_gates(it);
	case ITEM_REPLAY_EVENT:
	case ITEM_REPLAY_RECORDING:
	case ITEM_REPLAY_VIDEO:
		return BIT(REPLAY);
	case ITEM_CHECK_IN:
		return BIT(MONITOR);
	case ITEM_STATSD:
	case ITEM_METRIC_BUCKETS:
		return BIT(METRIC_BUCKET);
	case ITEM_SECURITY:
	case ITEM_RAW_SECURITY:
		return BIT(SECURITY);
	case ITEM_UNKNOWN:
	case ITEM_CLIENT_REPORT:
	case ITEM_FORM_DATA:
	case ITEM_TYPE_COUNT:
		break;
	}
	return 0;
}

static uint64_t at_least_one(uint64_t n)
{
	return n > 0 ? n : 1;
}

static void count_attachment(const struct item *it, struct quantities *q)
{
	uint64_t bytes = it->is_reference && it->has_declared ? it->declared : it->payload.n;

	quantities_add(q, CAT_ATTACHMENT, at_least_one(bytes));
	quantities_add(q, CAT_ATTACHMENT_ITEM, 1);
	if (it->creates_event && it->carries_count)
		quantities_add(q, CAT_ERROR, 1);
}

static void count_chunk(const struct item *it, struct quantities *q)
{
	enum item_platform platform = chunk_platform(it);

	if (platform == PLATFORM_BACKEND)
		quantities_add(q, CAT_PROFILE_CHUNK, 1);
	if (platform == PLATFORM_UI)
		quantities_add(q, CAT_PROFILE_CHUNK_UI, 1);
}

/* Loss units of 15.3: what an SDK would report for the item dropped. */
void item_quantities(const struct item *it, struct quantities *q)
{
	switch (it->type) {
	case ITEM_EVENT:
	case ITEM_UNREAL_REPORT:
		quantities_add(q, CAT_ERROR, 1);
		break;
	case ITEM_TRANSACTION:
		quantities_add(q, CAT_TRANSACTION, 1);
		quantities_add(q, CAT_SPAN, it->entries);
		quantities_add(q, CAT_SPAN, 1);
		break;
	case ITEM_FEEDBACK:
	case ITEM_USER_REPORT:
		quantities_add(q, CAT_FEEDBACK, 1);
		break;
	case ITEM_ATTACHMENT:
		count_attachment(it, q);
		break;
	case ITEM_SESSION:
	case ITEM_SESSIONS:
		quantities_add(q, CAT_SESSION, it->entries);
		break;
	case ITEM_LOG:
	case ITEM_OTLP_LOGS:
		quantities_add(q, CAT_LOG_ITEM, it->entries);
		quantities_add(q, CAT_LOG_BYTE, at_least_one(it->payload.n));
		break;
	case ITEM_TRACE_METRIC:
		quantities_add(q, CAT_TRACE_METRIC, it->entries);
		quantities_add(q, CAT_TRACE_METRIC_BYTE, at_least_one(it->payload.n));
		break;
	case ITEM_NEL:
		quantities_add(q, CAT_LOG_ITEM, 1);
		break;
	case ITEM_SPAN:
	case ITEM_OTLP_SPANS:
		quantities_add(q, CAT_SPAN, it->entries);
		break;
	case ITEM_PROFILE:
		quantities_add(q, CAT_PROFILE, 1);
		break;
	case ITEM_PROFILE_CHUNK:
	case ITEM_PROFILE_CHUNK_UI:
		count_chunk(it, q);
		break;
	case ITEM_REPLAY_EVENT:
	case ITEM_REPLAY_RECORDING:
	case ITEM_REPLAY_VIDEO:
		quantities_add(q, CAT_REPLAY, it->carries_count ? 1 : 0);
		break;
	case ITEM_CHECK_IN:
		quantities_add(q, CAT_MONITOR, 1);
		break;
	case ITEM_STATSD:
	case ITEM_METRIC_BUCKETS:
		quantities_add(q, CAT_METRIC_BUCKET, it->entries);
		break;
	case ITEM_SECURITY:
	case ITEM_RAW_SECURITY:
		quantities_add(q, CAT_SECURITY, 1);
		break;
	case ITEM_UNKNOWN:
	case ITEM_CLIENT_REPORT:
	case ITEM_FORM_DATA:
	case ITEM_TYPE_COUNT:
		break;
	}
}
