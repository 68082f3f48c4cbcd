#include "envelope/bounds.h"

#include "envelope/envelope.h"

#define MIB (UINT64_C(1) << 20)

enum bound_group bound_group_of(const struct item *it)
{
	switch (it->type) {
	case ITEM_EVENT:
	case ITEM_TRANSACTION:
	case ITEM_FEEDBACK:
	case ITEM_REPLAY_EVENT:
	case ITEM_SECURITY:
	case ITEM_RAW_SECURITY:
	case ITEM_FORM_DATA:
		return BOUND_EVENT;
	case ITEM_ATTACHMENT:
	case ITEM_UNREAL_REPORT:
	case ITEM_USER_REPORT:
		return BOUND_ATTACHMENT;
	case ITEM_REPLAY_RECORDING:
		return BOUND_RECORDING;
	case ITEM_REPLAY_VIDEO:
		return BOUND_VIDEO;
	case ITEM_SESSION:
	case ITEM_SESSIONS:
		return BOUND_SESSION;
	case ITEM_CLIENT_REPORT:
		return BOUND_REPORT;
	case ITEM_PROFILE:
	case ITEM_PROFILE_CHUNK:
	case ITEM_PROFILE_CHUNK_UI:
		return BOUND_PROFILE;
	case ITEM_CHECK_IN:
		return BOUND_CHECK_IN;
	case ITEM_STATSD:
		return BOUND_STATSD;
	case ITEM_METRIC_BUCKETS:
		return BOUND_BUCKETS;
	case ITEM_LOG:
		return BOUND_LOG;
	case ITEM_TRACE_METRIC:
		return BOUND_METRIC;
	case ITEM_SPAN:
		return it->is_container ? BOUND_SPANS : BOUND_SPAN;
	default:
		return BOUND_NONE;
	}
}

void bounds_of(const struct item_limits *l, struct bound table[BOUND_COUNT])
{
	table[BOUND_EVENT] = (struct bound){1, l->event, 0, l->event};
	table[BOUND_ATTACHMENT] =
		(struct bound){l->attachment_count, l->attachment, 0, l->attachments};
	table[BOUND_RECORDING] = (struct bound){1, l->replay, 0, l->replay};
	table[BOUND_VIDEO] = table[BOUND_RECORDING];
	table[BOUND_SESSION] = (struct bound){l->session_count, l->session, 0, l->session};
	table[BOUND_REPORT] =
		(struct bound){l->client_report_count, l->client_report, 0, l->client_report};
	table[BOUND_PROFILE] = (struct bound){1, l->profile, 0, l->profile};
	table[BOUND_CHECK_IN] = (struct bound){1, l->check_in, 0, l->check_in};
	table[BOUND_STATSD] = (struct bound){1, l->statsd, 0, l->statsd};
	table[BOUND_BUCKETS] = (struct bound){1, l->metric_buckets, 0, l->metric_buckets};
	table[BOUND_LOG] = (struct bound){1, l->log, 2 * MIB, l->log};
	table[BOUND_METRIC] = (struct bound){1, l->trace_metric, MIB, l->trace_metric};
	table[BOUND_SPANS] = (struct bound){1, l->span, 10 * MIB, l->span};
	table[BOUND_SPAN] = (struct bound){l->span_count, l->span, 10 * MIB, l->span};
	table[BOUND_NONE] = (struct bound){0, 0, 0, 0};
}

bool bound_makes_event(const struct item *it)
{
	return it->creates_event || it->type == ITEM_UNREAL_REPORT;
}

bool bound_item_exceeded(const struct bound *b, const struct item *it)
{
	uint64_t entries = it->entries > 0 ? it->entries : 1;

	return bound_exceeded(it->payload.n, b->one) || bound_exceeded(it->payload.n, b->all) ||
	       bound_exceeded(it->payload.n / entries, b->entry);
}

static int item_too_big(const struct item *it, size_t index, struct err *err)
{
	return err_set(err, E_TOOBIG, "item %zu: %s of %llu bytes is too large", index + 1,
		item_type_name(it->type), (unsigned long long)it->payload.n);
}

int envelope_check_limits(const struct envelope *e, const struct item_limits *l, struct err *err)
{
	struct bound table[BOUND_COUNT];
	const struct bound *attachments = &table[BOUND_ATTACHMENT];
	uint64_t count = 0, bytes = 0;

	bounds_of(l, table);
	for (size_t i = 0; i < e->item_count; i++) {
		const struct item *it = &e->items[i];

		if (bound_item_exceeded(&table[bound_group_of(it)], it))
			return item_too_big(it, i, err);
		if (!bound_makes_event(it))
			continue;
		bytes += it->payload.n;
		if (bound_exceeded(++count, attachments->count))
			return err_set(err, E_TOOBIG, "too many attachments create one event");
		if (bound_exceeded(bytes, attachments->all))
			return err_set(err, E_TOOBIG,
				"attachments that create one event are too large together");
	}
	return E_OK;
}
