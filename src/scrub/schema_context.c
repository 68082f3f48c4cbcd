/* The contexts whose members are known. */
#include "scrub/schema_table.h"

static const struct field trace_fields[] = {
	IDS,
	TEXT("type", F),
	TEXT("client_sample_rate", F),
	TEXT("sampled", F),
	KIND("data", M, FIELD_DATA),
	FREE("links", F),
};
static const struct schema trace_context = {trace_fields, N(trace_fields), M, 0};

static const struct field response_fields[] = {
	TEXT("type", F),
	KIND("cookies", T, FIELD_COOKIES),
	KIND("headers", T, FIELD_HEADERS),
	KIND("data", T, FIELD_BODY),
	TEXT("status_code", F),
	TEXT("body_size", F),
	TEXT("inferred_content_type", F),
};
static const struct schema response_context = {response_fields, N(response_fields), M, 0};

/* Typed members without a flag; name by name, as the receiver knows them. */
static const struct field device_fields[] = {
	TEXT("type", F),
	TEXT("family", F),
	TEXT("model", F),
	TEXT("model_id", F),
	TEXT("arch", F),
	TEXT("battery_level", F),
	TEXT("orientation", F),
	TEXT("manufacturer", F),
	TEXT("brand", F),
	TEXT("online", F),
	TEXT("charging", F),
	TEXT("low_memory", F),
	TEXT("simulator", F),
	TEXT("processor_count", F),
	TEXT("processor_frequency", F),
	TEXT("supports_vibration", F),
	TEXT("supports_accelerometer", F),
	TEXT("supports_gyroscope", F),
	TEXT("supports_audio", F),
	TEXT("supports_location_service", F),
	DEEP("device_unique_identifier", T),
	DEEP("name", M),
};
static const struct schema device_context = {device_fields, N(device_fields), M, 0};

static const struct field os_fields[] = {
	TEXT("type", F),
	TEXT("os", F),
	TEXT("name", F),
	TEXT("version", F),
	TEXT("rooted", F),
};
static const struct schema os_context = {os_fields, N(os_fields), M, 0};

static const struct field runtime_fields[] = {
	TEXT("type", F),
	TEXT("runtime", F),
	TEXT("name", F),
	TEXT("version", F),
};
static const struct schema runtime_context = {runtime_fields, N(runtime_fields), M, 0};

static const struct field app_fields[] = {
	TEXT("type", F),
	TEXT("build_type", F),
	TEXT("app_identifier", F),
	TEXT("app_name", F),
	TEXT("app_version", F),
	TEXT("app_build", F),
	TEXT("app_memory", F),
	FREE("view_names", F),
	TEXT("in_foreground", F),
};
static const struct schema app_context = {app_fields, N(app_fields), M, 0};

static const struct field browser_fields[] = {
	TEXT("type", F),
	TEXT("browser", F),
	TEXT("name", F),
	TEXT("version", F),
};
static const struct schema browser_context = {browser_fields, N(browser_fields), M, 0};

static const struct field gpu_fields[] = {
	TEXT("type", F),
	TEXT("graphics_shader_level", F),
};
static const struct schema gpu_context = {gpu_fields, N(gpu_fields), M, 0};

static const struct field cloud_fields[] = {
	TEXT("type", F),
	TEXT("cloud.provider", F),
	TEXT("cloud.platform", F),
	TEXT("cloud.region", F),
	TEXT("cloud.availability_zone", F),
	TEXT("host.type", F),
};
static const struct schema cloud_context = {cloud_fields, N(cloud_fields), M, 0};

static const struct field updates_fields[] = {
	TEXT("type", F),
	TEXT("channel", F),
	TEXT("runtime_version", F),
	TEXT("update_id", F),
};
static const struct schema updates_context = {updates_fields, N(updates_fields), M, 0};

static const struct field unity_fields[] = {
	TEXT("type", F),
	TEXT("copy_texture_support", F),
	TEXT("editor_version", F),
	TEXT("install_mode", F),
	TEXT("rendering_threading_mode", F),
	TEXT("target_frame_rate", F),
};
static const struct schema unity_context = {unity_fields, N(unity_fields), M, 0};

static const struct field only_type_fields[] = {
	TEXT("type", F),
};
/* Contexts of which no known member has a flag, but unknown ones do. */
static const struct schema open_context = {only_type_fields, N(only_type_fields), M, 0};
/* Contexts of which no member has a flag. */
static const struct schema closed_context = {only_type_fields, N(only_type_fields), F, 0};

static const struct {
	const char *type;
	const struct schema *schema;
} contexts[] = {
	{"trace", &trace_context},
	{"response", &response_context},
	{"device", &device_context},
	{"os", &os_context},
	{"runtime", &runtime_context},
	{"app", &app_context},
	{"browser", &browser_context},
	{"gpu", &gpu_context},
	{"cloudresource", &cloud_context},
	{"otaupdates", &updates_context},
	{"unity", &unity_context},
	{"flags", &open_context},
	{"memory_info", &open_context},
	{"monitor", &open_context},
	{"otel", &open_context},
	{"culture", &open_context},
	{"spring", &open_context},
	{"threadpool_info", &open_context},
	{"profile", &closed_context},
	{"replay", &closed_context},
	{"feedback", &closed_context},
	{"reprocessing", &closed_context},
	{"performancescore", &closed_context},
	{"chromiumstabilityreport", &closed_context},
};

const struct schema *schema_context(struct str type)
{
	for (size_t i = 0; i < N(contexts); i++)
		if (str_eq(type, str_of(contexts[i].type)))
			return contexts[i].schema;
	return NULL;
}
