/* One pass over the messages: each is copied, and what rules change is written
 * in its place with lengths to fit.
 *
 * The functions call each other as deep as messages go, at most WALK_MAX_DEPTH
 * states.
 */
#include "scrub/otlp.h"

#include "envelope/leb.h"

/* What a field holds. */
enum part {
	PART_OTHER,
	PART_REQUEST,
	PART_RESOURCE_GROUP,
	PART_RESOURCE,
	PART_SCOPE_GROUP,
	PART_SCOPE,
	PART_RECORD, /* a span or a log record */
	PART_EVENT,
	PART_LINK,
	PART_STATUS,
	PART_TEXT,   /* of a status */
	PART_BODY,   /* a value by the name "body" */
	PART_MEMBER, /* key and value */
	PART_VALUE,
	PART_STRING, /* of a value */
	PART_ARRAY,
	PART_MEMBERS,
	PART_NUMBER /* of a value, in any encoding */
};

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static const struct {
	enum part in;
	uint64_t number;
	enum part holds;
	int only; /* 0: both, 1: traces, 2: logs */
} fields[] = {
	{PART_REQUEST, 1, PART_RESOURCE_GROUP, 0},
	{PART_RESOURCE_GROUP, 1, PART_RESOURCE, 0},
	{PART_RESOURCE_GROUP, 2, PART_SCOPE_GROUP, 0},
	{PART_RESOURCE, 1, PART_MEMBER, 0},
	{PART_SCOPE_GROUP, 1, PART_SCOPE, 0},
	{PART_SCOPE_GROUP, 2, PART_RECORD, 0},
	{PART_SCOPE, 3, PART_MEMBER, 0},
	{PART_RECORD, 9, PART_MEMBER, 1},
	{PART_RECORD, 11, PART_EVENT, 1},
	{PART_RECORD, 13, PART_LINK, 1},
	{PART_RECORD, 15, PART_STATUS, 1},
	{PART_RECORD, 5, PART_BODY, 2},
	{PART_RECORD, 6, PART_MEMBER, 2},
	{PART_EVENT, 3, PART_MEMBER, 0},
	{PART_LINK, 4, PART_MEMBER, 0},
	{PART_STATUS, 2, PART_TEXT, 0},
	{PART_MEMBER, 2, PART_VALUE, 0},
	{PART_VALUE, 1, PART_STRING, 0},
	{PART_VALUE, 2, PART_NUMBER, 0},
	{PART_VALUE, 3, PART_NUMBER, 0},
	{PART_VALUE, 4, PART_NUMBER, 0},
	{PART_VALUE, 5, PART_ARRAY, 0},
	{PART_VALUE, 6, PART_MEMBERS, 0},
	{PART_VALUE, 7, PART_STRING, 0},
	{PART_BODY, 1, PART_STRING, 0},
	{PART_BODY, 5, PART_ARRAY, 0},
	{PART_BODY, 6, PART_MEMBERS, 0},
	{PART_BODY, 7, PART_STRING, 0},
	{PART_ARRAY, 1, PART_VALUE, 0},
	{PART_MEMBERS, 1, PART_MEMBER, 0},
};

struct otlp {
	struct walk *w;
	bool is_logs;
	bool as_objects; /* the text of an attribute is at its "value" */
	bool changed;
	int rc;
};

static enum part part_of(const struct otlp *o, enum part in, uint64_t number)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (fields[i].in == in && fields[i].number == number &&
			(fields[i].only == 0 || (fields[i].only == 2) == o->is_logs))
			return fields[i].holds;
	return PART_OTHER;
}

/* One field: its tag, and where its content lies. */
struct pb {
	uint64_t number;
	enum wire wire;
	struct str raw; /* with tag and length */
	struct str content;
};

static bool next_field(struct str s, size_t *at, struct pb *ret)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t from = *at;
	uint64_t tag;
	uint64_t n = 0;
	size_t begin;

	if (!leb_get(p, s.n, at, &tag) || tag >> 3 == 0)
		return false;
	ret->number = tag >> 3;
	ret->wire = (enum wire)(tag & 7);
	begin = *at;
	if (ret->wire == WIRE_VARINT) {
		if (!leb_get(p, s.n, at, &n))
			return false;
		n = *at - begin;
	} else if (ret->wire == WIRE_BYTES) {
		if (!leb_get(p, s.n, at, &n))
			return false;
		begin = *at;
	} else if (ret->wire == WIRE_FIXED64 || ret->wire == WIRE_FIXED32) {
		n = ret->wire == WIRE_FIXED64 ? 8 : 4;
	} else {
		return false;
	}
	if (n > s.n - begin)
		return false;
	ret->content = str_make(s.p + begin, (size_t)n);
	*at = begin + (size_t)n;
	ret->raw = str_make(s.p + from, *at - from);
	return true;
}

static void put_bytes(struct buf *out, uint64_t number, struct str content)
{
	uint8_t head[2 * LEB_MAX_BYTES];
	size_t n = leb_put(head, number << 3 | WIRE_BYTES);

	n += leb_put(head + n, content.n);
	buf_add(out, head, n);
	buf_str(out, content);
}

static void message(struct otlp *o, enum part in, struct str s, struct buf *out);

/* The name of a member, and whether it has one. */
static struct str name_of(struct str member)
{
	struct pb f;
	size_t at = 0;

	while (at < member.n && next_field(member, &at, &f))
		if (f.number == 1 && f.wire == WIRE_BYTES)
			return f.content;
	return STR("");
}

static bool enter(
	struct otlp *o, const char *fixed, struct str name, enum pii_flag flag, uint32_t types)
{
	struct pii_state s = {.key = fixed != NULL ? str_of(fixed) : name,
		.index = -1,
		.types = types,
		.flag = flag};

	if (walk_enter_virtual(o->w, s))
		return true;
	o->w->tally->limits++;
	o->changed = true; /* left out: nobody could look at it */
	return false;
}

static enum pii_flag flag_of(const struct otlp *o, struct str name)
{
	enum pii_flag flag = PII_TRUE;

	(void)schema_convention(name, &flag);
	return o->w->deep && flag == PII_MAYBE ? PII_TRUE : flag;
}

/* What is not text goes as a whole, or stays. */
static void judged(struct otlp *o, const struct pb *f, enum part holds, struct buf *out)
{
	struct buf inner = BUF_INIT;

	walk_retype(o->w, holds == PART_NUMBER  ? TYPE_BIT(TYPE_NUMBER)
			  : holds == PART_ARRAY ? TYPE_BIT(TYPE_ARRAY)
						: TYPE_BIT(TYPE_OBJECT));
	if (f->number != 2 && walk_rules(o->w, NULL)) { /* 2 is a boolean */
		o->w->tally->removed++;
		o->changed = true;
		return;
	}
	if (holds == PART_NUMBER) {
		buf_str(out, f->raw);
		return;
	}
	message(o, holds, f->content, &inner);
	put_bytes(out, f->number, buf_view(&inner));
	out->failed |= !buf_ok(&inner);
	buf_fini(&inner);
}

static void text(struct otlp *o, const struct pb *f, struct buf *out)
{
	struct str changed = STR_EMPTY;
	enum walk_end end;

	walk_retype(o->w, TYPE_BIT(TYPE_STRING));
	/* Bytes may be anything; only what is text is looked at. */
	end = f->number != 7 || str_is_utf8(f->content) ? walk_text(o->w, f->content, &changed)
							: WALK_KEPT;
	if (end == WALK_KEPT) {
		buf_str(out, f->raw);
		return;
	}
	o->changed = true;
	if (end == WALK_CHANGED)
		put_bytes(out, f->number, changed);
}

static void nested(struct otlp *o, const struct pb *f, enum part holds, struct buf *out)
{
	struct buf inner = BUF_INIT;

	message(o, holds, f->content, &inner);
	put_bytes(out, f->number, buf_view(&inner));
	out->failed |= !buf_ok(&inner);
	buf_fini(&inner);
}

/* An attribute, or a member of a value. */
static void member(struct otlp *o, enum part in, const struct pb *f, struct buf *out)
{
	struct str name = name_of(f->content);
	bool top = in != PART_MEMBERS;
	enum pii_flag flag = top ? flag_of(o, name) : walk_top(o->w)->flag;
	size_t depth = o->w->depth;

	if ((!top || enter(o, "attributes", name, PII_TRUE, TYPE_BIT(TYPE_OBJECT))) &&
		enter(o, NULL, name, flag, 0) &&
		(!top || !o->as_objects || enter(o, "value", name, flag, 0)))
		nested(o, f, PART_MEMBER, out);
	o->w->depth = depth;
}

static void field(struct otlp *o, enum part in, const struct pb *f, struct buf *out)
{
	enum part holds = part_of(o, in, f->number);

	if (holds == PART_OTHER || (f->wire != WIRE_BYTES && holds != PART_NUMBER)) {
		buf_str(out, f->raw);
		return;
	}
	switch (holds) {
	case PART_MEMBER:
		member(o, in, f, out);
		break;
	case PART_STRING:
		text(o, f, out);
		break;
	case PART_NUMBER:
	case PART_ARRAY:
	case PART_MEMBERS:
		judged(o, f, holds, out);
		break;
	case PART_TEXT:
	case PART_BODY:
		if (!enter(o, holds == PART_BODY ? "body" : "message", STR_EMPTY,
			    o->w->deep || holds == PART_TEXT ? PII_TRUE : PII_MAYBE, 0))
			return;
		if (holds == PART_BODY)
			nested(o, f, holds, out);
		else
			text(o, f, out);
		walk_leave(o->w);
		break;
	default:
		nested(o, f, holds, out);
		break;
	}
}

static void message(struct otlp *o, enum part in, struct str s, struct buf *out)
{
	struct pb f;
	size_t at = 0;

	while (at < s.n && o->rc == E_OK && o->w->rc == E_OK) {
		if (!next_field(s, &at, &f))
			o->rc = E_SYNTAX;
		else
			field(o, in, &f, out);
	}
}

static int run_once(
	struct run *r, const struct piiconf *c, bool is_logs, struct str in, struct str *out)
{
	struct meta notes;
	struct walk w = {.redactor = &r->redactor,
		.set = &r->s->patterns,
		.meta = &notes,
		.deep = c == r->s->deep,
		.tally = &r->tally->values,
		.seen = r->tally->seen,
		.seen_arg = r->tally->seen_arg};
	struct otlp o = {.w = &w, .is_logs = is_logs, .as_objects = c == r->s->rules};
	struct pii_state item = {.key = STR(""),
		.index = -1,
		.types = TYPE_BIT(is_logs ? TYPE_LOG : TYPE_SPAN),
		.flag = PII_FALSE};
	struct buf text = BUF_INIT;

	*out = in;
	if (c == NULL)
		return E_OK;
	if (meta_read(&notes, r->redactor.arena, NULL, JSON_NONE) != E_OK)
		return E_NOMEM;
	run_use(r, &w, c);
	walk_begin(&w, 0, PII_FALSE);
	(void)walk_enter_virtual(&w, item); /* the second of many */
	message(&o, PART_REQUEST, in, &text);
	if (o.rc == E_OK)
		o.rc = w.rc;
	if (o.rc == E_OK && o.changed)
		*out = !buf_ok(&text) ? STR_EMPTY
		       : text.n > 0   ? arena_dup(r->redactor.arena, buf_view(&text))
				      : STR("");
	buf_fini(&text);
	return o.rc == E_OK && out->p == NULL ? E_NOMEM : o.rc;
}

int otlp_scrub(struct run *r, bool is_logs, struct str in, struct str *out)
{
	int rc = run_once(r, r->s->rules, is_logs, in, out);

	if (rc == E_OK)
		rc = run_once(r, r->s->defaults, is_logs, *out, out);
	if (rc == E_OK)
		rc = run_once(r, r->s->deep, is_logs, *out, out);
	return rc;
}
