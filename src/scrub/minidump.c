/* The directory of a dump, and the lists it leads to.
 *
 *   minidump_parts  header and directory
 *   read_threads    where stacks are
 *   read_memory     regions, each stack or not
 *   read_memory64   the same in the form of full dumps
 *   read_modules    names
 */
#include "scrub/minidump.h"

#include <stdlib.h>
#include <string.h>

#include "scrub/bytes.h"

#define HEADER_BYTES    32
#define ENTRY_BYTES     12
#define THREAD_BYTES    48
#define REGION_BYTES    16
#define MODULE_BYTES    108
#define MAX_STREAMS     4096
#define MAX_PARTS       (1u << 20)
#define MAX_WORK_FACTOR 4 /* all parts together, in sizes of the file */

enum stream {
	STREAM_THREADS,
	STREAM_MODULES,
	STREAM_MEMORY,
	STREAM_MEMORY64,
	STREAM_CMD_LINE,
	STREAM_ENVIRON,
	STREAM_COUNT
};

static const uint32_t stream_types[STREAM_COUNT] = {
	[STREAM_THREADS] = 3,
	[STREAM_MODULES] = 4,
	[STREAM_MEMORY] = 5,
	[STREAM_MEMORY64] = 9,
	[STREAM_CMD_LINE] = 0x47670006,
	[STREAM_ENVIRON] = 0x47670007,
};

struct stack {
	uint64_t start; /* address */
	uint32_t rva;   /* place in the file */
};

struct reader {
	struct str file;
	struct arena *arena;
	struct str streams[STREAM_COUNT]; /* p == NULL: there is none */
	struct stack *stacks;
	size_t stack_count;
	struct dump_part *parts;
	size_t count;
	size_t cap;
	uint64_t work;
};

/* --- reading ----------------------------------------------------------------- */

static uint64_t number_at(struct str s, size_t at, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = bytes; i-- > 0;)
		v = v << 8 | (unsigned char)s.p[at + i];
	return v;
}

static uint32_t u32_at(struct str s, size_t at)
{
	return (uint32_t)number_at(s, at, 4);
}

/* False when some of it lies outside. */
static bool place(struct str file, uint64_t from, uint64_t n, struct str *ret)
{
	if (from > file.n || n > file.n - from)
		return false;
	*ret = str_make(file.p + from, (size_t)n);
	return true;
}

static int add_part(struct reader *r, enum dump_part_kind kind, uint64_t from, uint64_t n)
{
	struct str all;

	if (!place(r->file, from, n, &all) || r->count == MAX_PARTS)
		return E_SYNTAX;
	r->work += n;
	if (r->work > MAX_WORK_FACTOR * (uint64_t)r->file.n)
		return E_SYNTAX;
	if (n == 0)
		return E_OK;
	if (r->count == r->cap) {
		size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
		struct dump_part *grown = arena_alloc(r->arena, cap * sizeof *grown);

		if (grown == NULL)
			return E_NOMEM;
		if (r->count > 0)
			memcpy(grown, r->parts, r->count * sizeof *grown);
		r->parts = grown;
		r->cap = cap;
	}
	r->parts[r->count++] = (struct dump_part){kind, (size_t)from, (size_t)n};
	return E_OK;
}

/* A count and so many rows; some writers align the rows to eight bytes. */
static bool rows_of(struct str stream, size_t row, struct str *ret, size_t *count)
{
	uint64_t need;
	size_t from = 4;

	if (stream.n < 4)
		return false;
	*count = u32_at(stream, 0);
	need = (uint64_t)*count * row;
	if (stream.n == need + 8)
		from = 8;
	return place(stream, from, need, ret);
}

/* --- lists ------------------------------------------------------------------- */

static int by_rva(const void *x, const void *y)
{
	const struct stack *a = x;
	const struct stack *b = y;

	return (a->rva > b->rva) - (a->rva < b->rva);
}

static int by_address(const void *x, const void *y)
{
	const struct stack *a = x;
	const struct stack *b = y;

	return (a->start > b->start) - (a->start < b->start);
}

static int read_threads(struct reader *r)
{
	struct str rows;

	if (!rows_of(r->streams[STREAM_THREADS], THREAD_BYTES, &rows, &r->stack_count))
		return E_SYNTAX;
	r->stacks = arena_alloc(r->arena, (r->stack_count + 1) * sizeof *r->stacks);
	if (r->stacks == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < r->stack_count; i++) {
		r->stacks[i].start = number_at(rows, i * THREAD_BYTES + 24, 8);
		r->stacks[i].rva = u32_at(rows, i * THREAD_BYTES + 36);
	}
	return E_OK;
}

static int read_memory(struct reader *r)
{
	struct str rows;
	size_t count;
	int rc = E_OK;

	if (!rows_of(r->streams[STREAM_MEMORY], REGION_BYTES, &rows, &count))
		return E_SYNTAX;
	qsort(r->stacks, r->stack_count, sizeof *r->stacks, by_rva);
	for (size_t i = 0; rc == E_OK && i < count; i++) {
		struct stack here = {0, u32_at(rows, i * REGION_BYTES + 12)};
		bool is_stack =
			bsearch(&here, r->stacks, r->stack_count, sizeof here, by_rva) != NULL;

		rc = add_part(r, is_stack ? DUMP_STACK : DUMP_HEAP, here.rva,
			u32_at(rows, i * REGION_BYTES + 8));
	}
	return rc;
}

/* Does a stack begin at one of these addresses? */
static bool holds_stack(const struct reader *r, uint64_t start, uint64_t n)
{
	size_t low = 0;
	size_t high = r->stack_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->stacks[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->stack_count && r->stacks[low].start - start < n;
}

/* Regions without places: they follow each other. */
static int read_memory64(struct reader *r)
{
	struct str s = r->streams[STREAM_MEMORY64];
	uint64_t count = s.n >= 16 ? number_at(s, 0, 8) : 0;
	uint64_t at = s.n >= 16 ? number_at(s, 8, 8) : 0;
	int rc = E_OK;

	if (s.n < 16 || count > (s.n - 16) / REGION_BYTES)
		return E_SYNTAX;
	qsort(r->stacks, r->stack_count, sizeof *r->stacks, by_address);
	for (size_t i = 0; rc == E_OK && i < count; i++) {
		uint64_t start = number_at(s, 16 + i * REGION_BYTES, 8);
		uint64_t n = number_at(s, 24 + i * REGION_BYTES, 8);

		rc = add_part(r, holds_stack(r, start, n) ? DUMP_STACK : DUMP_HEAP, at, n);
		at += n; /* inside of the file, or the part was refused */
	}
	return rc;
}

static bool is_utf16(struct str s)
{
	size_t at = 0;
	size_t from;
	size_t to;

	return s.n == 0 || (utf16_run(s.p, s.n, 1, &at, &from, &to) && from == 0 && to == s.n);
}

/* The path of the symbols, behind a signature that says which form it is. */
static int read_debug_name(struct reader *r, uint64_t from, uint64_t n)
{
	struct str record;
	size_t skip;

	if (n == 0)
		return E_OK;
	if (!place(r->file, from, n, &record) || n < 4)
		return E_SYNTAX;
	if (memcmp(record.p, "RSDS", 4) == 0)
		skip = 24; /* signature, GUID, age */
	else if (memcmp(record.p, "NB10", 4) == 0)
		skip = 16; /* signature, offset, time, age */
	else
		return E_OK;
	return n < skip ? E_SYNTAX : add_part(r, DUMP_DEBUG_NAME, from + skip, n - skip);
}

static int read_modules(struct reader *r)
{
	struct str rows;
	size_t count;
	int rc = E_OK;

	if (!rows_of(r->streams[STREAM_MODULES], MODULE_BYTES, &rows, &count))
		return E_SYNTAX;
	for (size_t i = 0; rc == E_OK && i < count; i++) {
		uint64_t name = u32_at(rows, i * MODULE_BYTES + 20);
		struct str text;

		if (!place(r->file, name, 4, &text) ||
			!place(r->file, name + 4, u32_at(text, 0), &text) || !is_utf16(text))
			return E_SYNTAX;
		rc = add_part(r, DUMP_CODE_NAME, name + 4, text.n);
		if (rc == E_OK)
			rc = read_debug_name(r, u32_at(rows, i * MODULE_BYTES + 80),
				u32_at(rows, i * MODULE_BYTES + 76));
	}
	return rc;
}

/* --- all --------------------------------------------------------------------- */

static int read_directory(struct reader *r)
{
	struct str entries;
	uint32_t count;

	if (r->file.n < HEADER_BYTES || memcmp(r->file.p, "MDMP", 4) != 0)
		return E_SYNTAX;
	count = u32_at(r->file, 8);
	if (count > MAX_STREAMS ||
		!place(r->file, u32_at(r->file, 12), (uint64_t)count * ENTRY_BYTES, &entries))
		return E_SYNTAX;
	for (size_t i = 0; i < count; i++) {
		uint32_t type = u32_at(entries, i * ENTRY_BYTES);
		struct str s;

		for (size_t k = 0; k < STREAM_COUNT; k++) {
			if (stream_types[k] != type)
				continue;
			/* Of several, readers differ in which they mean. */
			if (r->streams[k].p != NULL ||
				!place(r->file, u32_at(entries, i * ENTRY_BYTES + 8),
					u32_at(entries, i * ENTRY_BYTES + 4), &s))
				return E_SYNTAX;
			r->streams[k] = s;
		}
	}
	return E_OK;
}

static int add_stream(struct reader *r, enum stream s)
{
	struct str text = r->streams[s];

	if (text.p == NULL)
		return E_OK;
	return add_part(r, DUMP_LINUX, (uint64_t)(text.p - r->file.p), text.n);
}

static int by_place(const void *x, const void *y)
{
	const struct dump_part *a = x;
	const struct dump_part *b = y;

	if (a->from != b->from)
		return a->from > b->from ? 1 : -1;
	if (a->kind != b->kind)
		return a->kind > b->kind ? 1 : -1;
	return (a->n > b->n) - (a->n < b->n);
}

/* Modules share names, and lists repeat regions: a hash must not be hashed. */
static void sort_parts(struct reader *r)
{
	size_t kept = 0;

	if (r->count == 0)
		return;
	qsort(r->parts, r->count, sizeof *r->parts, by_place);
	for (size_t i = 1; i < r->count; i++)
		if (by_place(&r->parts[i], &r->parts[kept]) != 0)
			r->parts[++kept] = r->parts[i];
	r->count = kept + 1;
}

int minidump_parts(struct arena *a, struct str file, struct dump_parts *ret)
{
	struct reader r = {.file = file, .arena = a};
	int rc = read_directory(&r);

	*ret = (struct dump_parts){NULL, 0};
	if (rc == E_OK && r.streams[STREAM_MEMORY].p == NULL &&
		r.streams[STREAM_MEMORY64].p == NULL)
		rc = E_SYNTAX;
	if (rc == E_OK)
		rc = read_threads(&r);
	if (rc == E_OK && r.streams[STREAM_MEMORY].p != NULL)
		rc = read_memory(&r);
	if (rc == E_OK && r.streams[STREAM_MEMORY64].p != NULL)
		rc = read_memory64(&r);
	if (rc == E_OK)
		rc = add_stream(&r, STREAM_ENVIRON);
	if (rc == E_OK)
		rc = add_stream(&r, STREAM_CMD_LINE);
	if (rc == E_OK)
		rc = read_modules(&r);
	if (rc != E_OK)
		return rc;
	sort_parts(&r);
	*ret = (struct dump_parts){r.parts, r.count};
	return E_OK;
}
