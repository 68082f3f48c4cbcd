/* Bodies: the first byte chooses the encoding, the second where the chunks end,
 * the rest is decoded. Chunks change nothing, the bound holds, and what was
 * decoded is compressed, spliced and decoded again. */
#include <stdlib.h>

#include "base/check.h"
#include "envelope/codec.h"

#define MAX_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode_pieces(enum encoding e, struct str in, size_t piece, struct buf *out)
{
	struct decoder *d;
	int rc;

	check(decoder_new(&d, e, MAX_BYTES, NULL) == E_OK);
	do {
		struct str part = str_first(in, piece);

		rc = decoder_feed(d, part, out, NULL);
		in = str_from(in, part.n);
	} while (rc == E_OK && in.n > 0);
	if (rc == E_OK)
		rc = decoder_finish(d, NULL);
	decoder_free(d);
	return rc;
}

static void check_encoders(struct str text, size_t cut)
{
	struct buf frame = BUF_INIT, wire = BUF_INIT, back = BUF_INIT;
	struct codec_pool *p;

	check(codec_pool_new(&p, 1, NULL) == E_OK);
	check(codec_zstd(p, str_from(text, cut), &frame, NULL) == E_OK);
	check(codec_zstd_splice(str_first(text, cut), buf_view(&frame), &wire, NULL) == E_OK);
	check(decode_all(ENCODING_ZSTD, buf_view(&wire), text.n, &back, NULL) == E_OK);
	check(str_eq(buf_view(&back), text));
	buf_clear(&wire);
	buf_clear(&back);
	check(codec_gzip(p, text, &wire, NULL) == E_OK);
	check(decode_all(ENCODING_GZIP, buf_view(&wire), text.n, &back, NULL) == E_OK);
	check(str_eq(buf_view(&back), text));
	codec_pool_free(p);
	buf_fini(&frame);
	buf_fini(&wire);
	buf_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT, spliced = BUF_INIT;
	enum encoding e;
	struct str in;
	int rc;

	if (size < 2)
		return 0;
	e = (enum encoding)(data[0] % 5);
	in = str_make((const char *)data + 2, size - 2);
	rc = decode_all(e, in, MAX_BYTES, &whole, NULL);
	check(rc == E_OK || rc == E_SYNTAX || rc == E_TOOBIG);
	check(whole.n <= MAX_BYTES);
	check((decode_pieces(e, in, 1u + data[1], &pieces) == E_OK) == (rc == E_OK));
	if (rc == E_OK) {
		check(str_eq(buf_view(&whole), buf_view(&pieces)));
		check_encoders(buf_view(&whole), data[1] * 11u);
	}
	(void)codec_zstd_splice(STR("head"), in, &spliced, NULL);
	buf_fini(&whole);
	buf_fini(&pieces);
	buf_fini(&spliced);
	return 0;
}
