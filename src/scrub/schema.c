/* The tables. One line is one field: name, flag, kind. */
#include "scrub/schema_table.h"

static const struct field geo_fields[] = {
	TEXT("country_code", T),
	TEXT("city", T),
	TEXT("subdivision", T),
	TEXT("region", T),
};
static const struct schema geo = {geo_fields, N(geo_fields), F, 0};

static const struct field user_fields[] = {
	KIND("id", T, FIELD_LENIENT),
	TEXT("email", T),
	KIND("ip_address", T, FIELD_IP),
	KIND("username", T, FIELD_LENIENT),
	TEXT("name", T),
	SUB("geo", F, FIELD_OBJECT, &geo),
	TEXT("segment", F),
	TEXT("sentry_user", T),
	FREE("data", T),
};
static const struct schema user = {user_fields, N(user_fields), T, TYPE_BIT(TYPE_USER)};

static const struct field request_fields[] = {
	DEEP("url", M),
	TEXT("method", F),
	TEXT("protocol", F),
	KIND("data", T, FIELD_BODY),
	KIND("query_string", T, FIELD_QUERY),
	TEXT("fragment", T),
	KIND("cookies", T, FIELD_COOKIES),
	KIND("headers", T, FIELD_HEADERS),
	TEXT("body_size", F),
	FREE("env", T),
	TEXT("inferred_content_type", F),
	TEXT("api_target", F),
};
static const struct schema request = {request_fields, N(request_fields), T, TYPE_BIT(TYPE_HTTP)};

static const struct field logentry_fields[] = {
	TYPED("message", F, TYPE_MESSAGE),
	{NAME("formatted"), T, FIELD_TEXT, TYPE_BIT(TYPE_MESSAGE), NULL, NULL, true},
	FREE("params", T),
};
static const struct schema logentry = {
	logentry_fields, N(logentry_fields), T, TYPE_BIT(TYPE_LOGENTRY)};

static const struct field frame_fields[] = {
	FREE("vars", T),
	TEXT("module", M),
	KIND("filename", M, FIELD_PATH),
	KIND("abs_path", M, FIELD_PATH),
	FREE("data", F),
	FREE("pre_context", F),
	FREE("post_context", F),
	FREE("lock", F),
};
static const struct schema frame = {frame_fields, N(frame_fields), F, TYPE_BIT(TYPE_FRAME)};

static const struct field stack_fields[] = {
	SUB("frames", F, FIELD_LIST, &frame),
	FREE("registers", F),
};
static const struct schema stack = {stack_fields, N(stack_fields), F, TYPE_BIT(TYPE_STACK)};

static const struct field mechanism_fields[] = {
	DEEP("description", T),
	FREE("data", T),
	FREE("meta", F),
};
static const struct schema mechanism = {mechanism_fields, N(mechanism_fields), F, 0};

static const struct field exception_fields[] = {
	DEEP("value", T),
	SUB("stacktrace", F, FIELD_OBJECT, &stack),
	SUB("raw_stacktrace", F, FIELD_OBJECT, &stack),
	SUB("mechanism", F, FIELD_OBJECT, &mechanism),
};
static const struct schema exception = {
	exception_fields, N(exception_fields), F, TYPE_BIT(TYPE_ERROR)};

static const struct field thread_fields[] = {
	SUB("stacktrace", F, FIELD_OBJECT, &stack),
	SUB("raw_stacktrace", F, FIELD_OBJECT, &stack),
	FREE("held_locks", F),
};
static const struct schema thread = {thread_fields, N(thread_fields), F, TYPE_BIT(TYPE_THREAD)};

static const struct field breadcrumb_fields[] = {
	TEXT("message", T),
	FREE("data", T),
};
static const struct schema breadcrumb = {
	breadcrumb_fields, N(breadcrumb_fields), F, TYPE_BIT(TYPE_BREADCRUMB)};

static const struct field image_fields[] = {
	KIND("code_file", M, FIELD_PATH),
	KIND("debug_file", M, FIELD_PATH),
};
static const struct schema image = {image_fields, N(image_fields), F, 0};

static const struct field debug_meta_fields[] = {
	SUB("images", F, FIELD_LIST, &image),
	FREE("sdk_info", F),
};
static const struct schema debug_meta = {debug_meta_fields, N(debug_meta_fields), F, 0};

static const struct field sdk_fields[] = {
	KIND("client_ip", T, FIELD_IP),
	FREE("integrations", F),
	FREE("features", F),
	FREE("packages", F),
	FREE("settings", F),
};
static const struct schema sdk = {sdk_fields, N(sdk_fields), F, TYPE_BIT(TYPE_SDK)};

static const struct field csp_fields[] = {
	TEXT("effective_directive", T),
	TEXT("blocked_uri", T),
	TEXT("document_uri", T),
	TEXT("original_policy", F),
	TEXT("referrer", T),
	TEXT("status_code", F),
	TEXT("violated_directive", F),
	TEXT("source_file", M),
	TEXT("line_number", F),
	TEXT("column_number", F),
	TEXT("script_sample", F),
	TEXT("disposition", F),
};
static const struct schema csp = {csp_fields, N(csp_fields), T, 0};

static const struct field sentry_tags_fields[] = {
	TEXT("user", T),
	KIND("user.ip", T, FIELD_TEXT),
	TEXT("user.id", T),
	TEXT("user.email", T),
	TEXT("user.username", T),
};
static const struct schema sentry_tags = {sentry_tags_fields, N(sentry_tags_fields), M, 0};

static const struct field span_fields[] = {
	IDS,
	TEXT("timestamp", F),
	TEXT("start_timestamp", F),
	DEEP("description", M),
	TEXT("segment_id", F),
	TEXT("is_segment", F),
	TEXT("is_remote", F),
	TEXT("kind", F),
	FREE_DEEP("tags", M),
	TEXT("profile_id", F),
	KIND("data", T, FIELD_DATA),
	FREE("links", F),
	SUB("sentry_tags", F, FIELD_OBJECT, &sentry_tags),
	TEXT("received", F),
	FREE("measurements", F),
	FREE("_metrics_summary", F),
	TEXT("platform", F),
	TEXT("was_transaction", F),
	TEXT("performance_issues_spans", F),
};
static const struct schema span = {span_fields, N(span_fields), M, TYPE_BIT(TYPE_SPAN)};

/* --- documents --------------------------------------------------------------- */

static const struct field event_fields[] = {
	TEXT("event_id", F),
	TEXT("level", F),
	TEXT("version", F),
	TEXT("type", F),
	FREE("fingerprint", F),
	DEEP("culprit", M),
	TEXT("transaction", F),
	FREE("transaction_info", F),
	TEXT("time_spent", F),
	SUB("logentry", F, FIELD_OBJECT, &logentry),
	ALIAS("sentry.interfaces.Message", FIELD_OBJECT, &logentry, "logentry"),
	ALIAS("message", FIELD_OBJECT, &logentry, "logentry"),
	TEXT("logger", F),
	FREE("modules", F),
	TEXT("platform", F),
	TEXT("timestamp", F),
	TEXT("start_timestamp", F),
	TEXT("received", F),
	TEXT("server_name", T),
	TEXT("release", F),
	TEXT("dist", F),
	TEXT("environment", F),
	TEXT("site", F),
	SUB("user", F, FIELD_OBJECT, &user),
	ALIAS("sentry.interfaces.User", FIELD_OBJECT, &user, "user"),
	SUB("request", F, FIELD_OBJECT, &request),
	ALIAS("sentry.interfaces.Http", FIELD_OBJECT, &request, "request"),
	KIND("contexts", F, FIELD_CONTEXTS),
	ALIAS("sentry.interfaces.Contexts", FIELD_CONTEXTS, NULL, "contexts"),
	SUB("breadcrumbs", F, FIELD_VALUES, &breadcrumb),
	ALIAS("sentry.interfaces.Breadcrumbs", FIELD_VALUES, &breadcrumb, "breadcrumbs"),
	SUB("exception", F, FIELD_VALUES, &exception),
	ALIAS("sentry.interfaces.Exception", FIELD_VALUES, &exception, "exception"),
	SUB("stacktrace", F, FIELD_OBJECT, &stack),
	ALIAS("sentry.interfaces.Stacktrace", FIELD_OBJECT, &stack, "stacktrace"),
	FREE("template", F),
	SUB("threads", F, FIELD_VALUES, &thread),
	{NAME("tags"), M, FIELD_PAIRS, 0, NULL, NULL, true},
	FREE("extra", T),
	SUB("debug_meta", F, FIELD_OBJECT, &debug_meta),
	SUB("sdk", F, FIELD_OBJECT, &sdk),
	FREE("ingest_path", F),
	FREE("errors", F),
	TEXT("key_id", F),
	TEXT("project", F),
	FREE("grouping_config", F),
	TEXT("checksum", F),
	SUB("csp", F, FIELD_OBJECT, &csp),
	ALIAS("sentry.interfaces.Csp", FIELD_OBJECT, &csp, "csp"),
	FREE("hpkp", T),
	FREE("expectct", T),
	FREE("expectstaple", T),
	SUB("spans", F, FIELD_LIST, &span),
	FREE("measurements", F),
	FREE("breakdowns", F),
	FREE("scraping_attempts", F),
	FREE("_metrics", F),
	FREE("_metrics_summary", F),
	FREE("_dsc", F),
	TEXT("_performance_issues_spans", F),
};
static const struct schema event = {event_fields, N(event_fields), T, TYPE_BIT(TYPE_EVENT)};

static const struct field span_v2_fields[] = {
	IDS,
	TEXT("name", F),
	TEXT("is_segment", F),
	TEXT("is_remote", F),
	TEXT("kind", F),
	TEXT("start_timestamp", F),
	TEXT("end_timestamp", F),
	FREE("links", M),
	SUB("attributes", T, FIELD_ATTRIBUTES, NULL),
};
static const struct schema span_v2 = {span_v2_fields, N(span_v2_fields), M, TYPE_BIT(TYPE_SPAN)};

static const struct field log_fields[] = {
	TEXT("timestamp", F),
	TEXT("trace_id", F),
	TEXT("span_id", F),
	TEXT("level", F),
	TEXT("severity_number", F),
	{NAME("body"), M, FIELD_TEXT, 0, NULL, NULL, true},
	SUB("attributes", M, FIELD_ATTRIBUTES, NULL),
};
static const struct schema log_item = {log_fields, N(log_fields), M, TYPE_BIT(TYPE_LOG)};

static const struct field metric_fields[] = {
	TEXT("timestamp", F),
	TEXT("trace_id", F),
	TEXT("span_id", F),
	TEXT("name", F),
	TEXT("type", F),
	TEXT("unit", F),
	TEXT("value", M),
	SUB("attributes", M, FIELD_ATTRIBUTES, NULL),
};
static const struct schema trace_metric = {
	metric_fields, N(metric_fields), M, TYPE_BIT(TYPE_TRACE_METRIC)};

static const struct field replay_fields[] = {
	TEXT("event_id", F),
	TEXT("replay_id", F),
	TEXT("replay_type", F),
	TEXT("segment_id", F),
	TEXT("timestamp", F),
	TEXT("replay_start_timestamp", F),
	FREE("urls", T),
	FREE("error_ids", F),
	FREE("trace_ids", F),
	SUB("contexts", F, FIELD_CONTEXTS, NULL),
	TEXT("platform", F),
	TEXT("release", F),
	TEXT("dist", F),
	TEXT("environment", F),
	{NAME("tags"), T, FIELD_PAIRS, 0, NULL, NULL, true},
	TEXT("type", F),
	SUB("user", F, FIELD_OBJECT, &user),
	SUB("request", F, FIELD_OBJECT, &request),
	SUB("sdk", F, FIELD_OBJECT, &sdk),
};
static const struct schema replay = {replay_fields, N(replay_fields), F, TYPE_BIT(TYPE_REPLAY)};

static const struct field session_attrs_fields[] = {
	TEXT("release", F),
	TEXT("environment", F),
	KIND("ip_address", T, FIELD_IP),
	TEXT("user_agent", T),
};
static const struct schema session_attrs = {session_attrs_fields, N(session_attrs_fields), F, 0};

static const struct field aggregate_fields[] = {
	TEXT("did", T),
};
static const struct schema aggregate = {aggregate_fields, N(aggregate_fields), F, 0};

/* did is the user; all else is counted. */
static const struct field session_fields[] = {
	TEXT("sid", F),
	TEXT("did", T),
	SUB("attrs", F, FIELD_OBJECT, &session_attrs),
	SUB("aggregates", F, FIELD_LIST, &aggregate),
	FREE("errors", F),
};
static const struct schema session = {session_fields, N(session_fields), F, 0};

static const struct field user_report_fields[] = {
	TEXT("event_id", F),
	DEEP("name", M),
	DEEP("email", M),
	DEEP("comments", M),
};
static const struct schema user_report = {user_report_fields, N(user_report_fields), M, 0};

static const struct field check_in_fields[] = {
	SUB("contexts", F, FIELD_CONTEXTS, NULL),
	FREE("monitor_config", F),
};
static const struct schema check_in = {check_in_fields, N(check_in_fields), F, 0};

static const struct field profile_fields[] = {
	FREE("profile", F),
	FREE("measurements", F),
	SUB("debug_meta", F, FIELD_OBJECT, &debug_meta),
	FREE("metadata", T),
	FREE("transaction_metadata", T),
	FREE("transaction_tags", M),
	FREE("device", F),
	FREE("os", F),
	FREE("runtime", F),
	FREE("transaction", F),
	FREE("transactions", F),
	FREE("client_sdk", F),
};
static const struct schema profile = {profile_fields, N(profile_fields), F, 0};

static const struct schema free_document = {NULL, 0, T, 0};

const struct schema *schema_of(enum schema_root r)
{
	static const struct schema *const roots[SCHEMA_COUNT] = {
		[SCHEMA_EVENT] = &event,
		[SCHEMA_SPAN] = &span,
		[SCHEMA_BREADCRUMB] = &breadcrumb,
		[SCHEMA_SPAN_V2] = &span_v2,
		[SCHEMA_LOG] = &log_item,
		[SCHEMA_TRACE_METRIC] = &trace_metric,
		[SCHEMA_REPLAY] = &replay,
		[SCHEMA_SESSION] = &session,
		[SCHEMA_USER_REPORT] = &user_report,
		[SCHEMA_CHECK_IN] = &check_in,
		[SCHEMA_PROFILE] = &profile,
		[SCHEMA_FREE] = &free_document,
	};

	return r == SCHEMA_TRACE_CONTEXT ? schema_context(STR("trace")) : roots[r];
}

const struct field *schema_field(const struct schema *s, struct str name)
{
	for (size_t i = 0; i < s->count; i++) {
		struct str own = s->fields[i].name;

		if (own.n == name.n && own.p[0] == name.p[0] && str_eq(own, name))
			return &s->fields[i];
	}
	return NULL;
}
