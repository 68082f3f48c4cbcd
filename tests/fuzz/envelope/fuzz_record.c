/* Records: any bytes unpack or are refused; so do bytes whose checksum was put
 * right, and what then unpacks packs to the same facts. */
#include <stdlib.h>
#include <zlib.h>

#include "base/check.h"
#include "envelope/record.h"
#include "envelope/report.h"

#define AT_CRC    8
#define AT_LENGTH 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_u32(char *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (char)(v >> 8 * i & 0xff);
}

static void put_right(char *p, size_t n)
{
	uLong crc = crc32_z(0L, (const Bytef *)p, AT_CRC);

	put_u32(p + AT_LENGTH, (uint32_t)n);
	put_u32(p + AT_CRC, (uint32_t)crc32_z(crc, (const Bytef *)p + AT_LENGTH, n - AT_LENGTH));
}

static void check_repack(const struct record *r)
{
	struct buf out = BUF_INIT;
	struct record back;

	record_pack(r, &out);
	check(buf_ok(&out));
	check(record_unpack(buf_view(&out), &back, NULL) == E_OK);
	check(str_eq(r->dsn, back.dsn) && str_eq(r->header, back.header));
	check(str_eq(r->items, back.items) && r->items_bytes == back.items_bytes);
	check(str_eq(r->from.forwarded_for, back.from.forwarded_for));
	check(memcmp(&r->held, &back.held, sizeof r->held) == 0);
	check(r->class == back.class && r->encoding == back.encoding);
	check(r->boot_id == back.boot_id && r->received_mono_ms == back.received_mono_ms);
	buf_fini(&out);
}

static void try_report(const uint8_t *data, size_t size)
{
	struct report *r = malloc(sizeof *r), *back = malloc(sizeof *back);
	uint8_t *packed = malloc(REPORT_PACKED_MAX);

	check(r != NULL && back != NULL && packed != NULL);
	if (report_unpack(data, size, r)) {
		check(report_unpack(packed, report_pack(r, packed), back));
		check(memcmp(r, back, sizeof *r) == 0);
	}
	free(packed);
	free(back);
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;
	char *copy;

	try_report(data, size);
	(void)record_peek(str_make((const char *)data, size), &r, NULL);
	if (record_unpack(str_make((const char *)data, size), &r, NULL) == E_OK)
		check_repack(&r);
	if (size < 16)
		return 0;
	copy = malloc(size);
	check(copy != NULL);
	memcpy(copy, data, size);
	put_right(copy, size);
	if (record_unpack(str_make(copy, size), &r, NULL) == E_OK)
		check_repack(&r);
	free(copy);
	return 0;
}
