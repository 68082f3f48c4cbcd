/* A text in front of a compressed one, without compressing again (RFC 8878).
 *
 *   frame:   magic  descriptor  window  block block ... last block
 *   result:  magic  descriptor  window' raw raw ...     block block ... last block
 *
 * Blocks refer to what came before by distance, so they mean the same behind
 * any head; raw blocks change no entropy table and no repeat offset. Only
 * fields that count or check the whole content would have to change, and
 * codec_zstd() writes none of these.
 */
#include <zstd.h>

#include "envelope/codec.h"

#define ZSTD_HEADER_BYTES 6                    /* magic, descriptor, window */
#define RAW_BLOCK_MAX     ((size_t)128 * 1024) /* the format's own bound */
#define WINDOW_128K       0x38                 /* exponent 7, mantissa 0: 128 KiB */

static const char magic[4] = {'\x28', '\xb5', '\x2f', '\xfd'};

static int check_frame(struct str frame, struct err *err)
{
	if (frame.n < ZSTD_HEADER_BYTES || memcmp(frame.p, magic, sizeof magic) != 0)
		return err_set(err, E_SYNTAX, "not a zstd frame");
	/* Content size, single segment, checksum and dictionary id all absent. */
	if (frame.p[4] != 0)
		return err_set(
			err, E_UNSUPPORTED, "zstd frame with a size, checksum or dictionary");
	if (ZSTD_findFrameCompressedSize(frame.p, frame.n) != frame.n)
		return err_set(err, E_SYNTAX, "zstd frame is damaged");
	return E_OK;
}

static void put_raw_block(struct buf *out, struct str text)
{
	uint32_t header = (uint32_t)text.n << 3; /* type 0 (raw), not the last */
	char b[3] = {
		(char)(header & 0xff), (char)(header >> 8 & 0xff), (char)(header >> 16 & 0xff)};

	buf_add(out, b, sizeof b);
	buf_str(out, text);
}

int codec_zstd_splice(struct str head, struct str frame, struct buf *out, struct err *err)
{
	int rc = check_frame(frame, err);
	uint8_t window;

	if (rc != E_OK)
		return rc;
	/* A block may not be larger than the window; windows sort as their bytes. */
	window = (uint8_t)frame.p[5];
	if (window < WINDOW_128K)
		window = WINDOW_128K;
	buf_add(out, magic, sizeof magic);
	buf_char(out, 0);
	buf_char(out, (char)window);
	while (head.n > 0) {
		struct str part = str_first(head, RAW_BLOCK_MAX);

		put_raw_block(out, part);
		head = str_from(head, part.n);
	}
	buf_str(out, str_from(frame, ZSTD_HEADER_BYTES));
	return buf_ok(out) ? E_OK : err_set(err, E_NOMEM, "no memory to send");
}
