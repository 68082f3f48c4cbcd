#include "cli/compare.h"

/* Deeper values are compared as they are written. */
#define DEPTH_MAX   200u
#define ENDS_MAX    1000u
#define SHOWN_BYTES 120u

struct comparison {
	difference_fn *each; /* NULL: the first difference ends it */
	void *arg;
	struct buf path;
	unsigned depth;
	bool is_over, found;
};

static void compare(struct comparison *c, struct json_side a, struct json_side b);

static void differ(struct comparison *c, struct json_side a, struct json_side b)
{
	c->found = true;
	c->is_over = c->each == NULL || !c->each(c->arg, buf_view(&c->path), a, b);
}

/* --- paths ----------------------------------------------------------------------- */

static bool is_plain_key(struct str key)
{
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '_' || c == '-';

		if (!plain)
			return false;
	}
	return key.n > 0 && (key.p[0] < '0' || key.p[0] > '9') && key.p[0] != '-';
}

static void enter_key(struct comparison *c, struct str key)
{
	if (c->each == NULL)
		return;
	if (c->path.n > 0)
		buf_char(&c->path, '.');
	if (is_plain_key(key))
		buf_str(&c->path, key);
	else
		buf_json_str(&c->path, key);
}

static void enter_index(struct comparison *c, size_t i)
{
	if (c->each != NULL)
		buf_printf(&c->path, "[%zu]", i);
}

static void leave(struct comparison *c, size_t path_bytes)
{
	if (buf_ok(&c->path))
		c->path.n = path_bytes;
}

/* --- values ---------------------------------------------------------------------- */

static bool same_text(struct json_side a, struct json_side b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	json_write_compact(a.d, a.n, &x);
	json_write_compact(b.d, b.n, &y);
	same = buf_ok(&x) && buf_ok(&y) && str_eq(buf_view(&x), buf_view(&y));
	buf_fini(&x);
	buf_fini(&y);
	return same;
}

static bool same_number(struct json_side a, struct json_side b)
{
	int64_t i, k;
	double x, y;

	if (str_eq(json_raw(a.d, a.n), json_raw(b.d, b.n)))
		return true;
	if (json_int(a.d, a.n, &i) && json_int(b.d, b.n, &k))
		return i == k;
	/* Two that overflow are not the same for that. */
	return json_double(a.d, a.n, &x) && json_double(b.d, b.n, &y) && x == y && x - y == 0;
}

static bool same_scalar(struct json_side a, struct json_side b)
{
	switch (json_type_of(a.d, a.n)) {
	case JSON_TYPE_BOOL:
		return json_bool(a.d, a.n, false) == json_bool(b.d, b.n, false);
	case JSON_TYPE_NUMBER:
		return same_number(a, b);
	case JSON_TYPE_STRING:
		return str_eq(json_text(a.d, a.n), json_text(b.d, b.n));
	default:
		return true;
	}
}

/* --- containers -------------------------------------------------------------------- */

static struct json_side none_of(struct json_side s)
{
	return (struct json_side){s.d, JSON_NONE};
}

static struct json_side child(struct json_side s, json_node n)
{
	return (struct json_side){s.d, n};
}

/* The member of this key. at stands where it is when both sides have one order;
 * then it is moved on. */
static json_node member(struct json_side s, struct str key, json_node *at)
{
	json_node n = *at;

	if (n == JSON_NONE || !str_eq(json_key(s.d, n), key))
		return json_get(s.d, s.n, key);
	*at = json_next(s.d, n);
	return n;
}

static void compare_member(
	struct comparison *c, struct str key, struct json_side a, struct json_side b)
{
	size_t path_bytes = c->path.n;

	enter_key(c, key);
	compare(c, a, b);
	leave(c, path_bytes);
}

static void compare_objects(struct comparison *c, struct json_side a, struct json_side b)
{
	json_node at = json_first(b.d, b.n);

	for (json_node n = json_first(a.d, a.n); n != JSON_NONE && !c->is_over;
		n = json_next(a.d, n)) {
		struct str key = json_key(a.d, n);

		compare_member(c, key, child(a, n), child(b, member(b, key, &at)));
	}
	at = json_first(a.d, a.n);
	for (json_node n = json_first(b.d, b.n); n != JSON_NONE && !c->is_over;
		n = json_next(b.d, n)) {
		struct str key = json_key(b.d, n);

		if (member(a, key, &at) == JSON_NONE)
			compare_member(c, key, none_of(a), child(b, n));
	}
}

static void compare_element(struct comparison *c, size_t i, struct json_side a, struct json_side b)
{
	size_t path_bytes = c->path.n;

	enter_index(c, i);
	compare(c, a, b);
	leave(c, path_bytes);
}

/* How many elements at the end are the same, of at most max. */
static size_t same_ends(struct json_side a, struct json_side b, size_t max)
{
	size_t n = 0;

	/* Each is looked for from the front. */
	if (max > ENDS_MAX)
		max = ENDS_MAX;
	while (n < max && compare_is_equal(child(a, json_at(a.d, a.n, -1 - (int64_t)n)),
				  child(b, json_at(b.d, b.n, -1 - (int64_t)n))))
		n++;
	return n;
}

static void compare_arrays(struct comparison *c, struct json_side a, struct json_side b)
{
	size_t an = json_count(a.d, a.n), bn = json_count(b.d, b.n), i = 0, tail = 0;
	json_node x = json_first(a.d, a.n), y = json_first(b.d, b.n);

	if (an != bn) {
		while (x != JSON_NONE && y != JSON_NONE &&
			compare_is_equal(child(a, x), child(b, y))) {
			x = json_next(a.d, x);
			y = json_next(b.d, y);
			i++;
		}
		tail = same_ends(a, b, (an < bn ? an : bn) - i);
	}
	for (; (i + tail < an || i + tail < bn) && !c->is_over; i++) {
		bool in_a = i + tail < an, in_b = i + tail < bn;

		compare_element(
			c, i, child(a, in_a ? x : JSON_NONE), child(b, in_b ? y : JSON_NONE));
		x = in_a ? json_next(a.d, x) : x;
		y = in_b ? json_next(b.d, y) : y;
	}
}

static void compare(struct comparison *c, struct json_side a, struct json_side b)
{
	enum json_type type = json_type_of(a.d, a.n);
	bool is_container = type == JSON_TYPE_OBJECT || type == JSON_TYPE_ARRAY;

	if (type != json_type_of(b.d, b.n)) {
		differ(c, a, b);
	} else if (!is_container || c->depth >= DEPTH_MAX) {
		if (is_container ? !same_text(a, b) : !same_scalar(a, b))
			differ(c, a, b);
	} else {
		c->depth++;
		if (type == JSON_TYPE_OBJECT)
			compare_objects(c, a, b);
		else
			compare_arrays(c, a, b);
		c->depth--;
	}
}

int compare_json(struct json_side a, struct json_side b, difference_fn *each, void *arg)
{
	struct comparison c = {.each = each, .arg = arg, .path = BUF_INIT};
	int rc;

	compare(&c, a, b);
	rc = buf_ok(&c.path) ? E_OK : E_NOMEM;
	buf_fini(&c.path);
	return rc;
}

bool compare_is_equal(struct json_side a, struct json_side b)
{
	struct comparison c = {.path = BUF_INIT};

	compare(&c, a, b);
	return !c.found;
}

/* --- showing ------------------------------------------------------------------------- */

/* Not in the middle of a character. */
static size_t cut_at(struct str s, size_t n)
{
	while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void compare_show(struct json_side s, size_t max, struct buf *out)
{
	struct buf text = BUF_INIT;
	struct str all;

	json_write_compact(s.d, s.n, &text);
	all = buf_view(&text);
	if (!buf_ok(&text)) {
		out->failed = true;
	} else if (max == 0 || all.n <= max) {
		buf_str(out, all);
	} else {
		size_t head = cut_at(all, max * 3 / 4), tail = cut_at(all, all.n - max / 4);

		buf_str(out, str_first(all, head));
		buf_cstr(out, "...");
		buf_str(out, str_from(all, tail));
	}
	buf_fini(&text);
}

static void write_side(struct json_side s, struct buf *out)
{
	if (s.n == JSON_NONE)
		buf_cstr(out, "nothing");
	else
		compare_show(s, SHOWN_BYTES, out);
}

void compare_write(struct json_side a, struct json_side b, struct buf *out)
{
	write_side(a, out);
	buf_cstr(out, " -> ");
	write_side(b, out);
}

void compare_write_json(struct str path, struct json_side a, struct json_side b, struct buf *out)
{
	buf_cstr(out, "{\"path\":");
	buf_json_str(out, path);
	if (a.n != JSON_NONE) {
		buf_cstr(out, ",\"old\":");
		compare_show(a, 0, out);
	}
	if (b.n != JSON_NONE) {
		buf_cstr(out, ",\"new\":");
		compare_show(b, 0, out);
	}
	buf_char(out, '}');
}
