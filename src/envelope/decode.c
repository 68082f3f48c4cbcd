/* Decoding: one step function per encoding, all driven by decoder_feed().
 *
 * A step takes what it can of in, writes at most room bytes and says how far it
 * came. The room never exceeds what the bound leaves by more than one byte: that
 * byte is the proof that the stream is too big.
 */
#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "envelope/codec.h"

#define DECODE_CHUNK     ((size_t)32 * 1024)
#define ZSTD_WINDOW_LOG  27 /* 128 MiB: what zstd --ultra makes, no more */
#define GZIP_WINDOW_BITS (15 + 16)
#define ZLIB_WINDOW_BITS 15
#define RAW_WINDOW_BITS  (-15)

struct decoder {
	enum encoding encoding;
	uint64_t max;
	uint64_t total;
	decoder_grown_fn *grown; /* NULL: it may grow */
	void *grown_arg;
	bool complete;     /* at a place where the stream may end */
	bool over;         /* nothing more may come */
	bool fresh_member; /* gzip: the next byte starts another member */
	z_stream z;
	bool z_ready;
	char first[2]; /* deflate: held back until both are there */
	size_t first_n;
	BrotliDecoderState *brotli;
	ZSTD_DStream *zstd;
};

struct step {
	struct str in;
	char *out;
	size_t room;
	size_t wrote;
};

static int corrupt(const struct decoder *d, struct err *err)
{
	return err_set(err, E_SYNTAX, "%s stream is corrupt", encoding_name(d->encoding));
}

static int start_inflate(struct decoder *d, int window_bits, struct err *err)
{
	if (inflateInit2(&d->z, window_bits) != Z_OK)
		return err_set(
			err, E_NOMEM, "no memory for a %s decoder", encoding_name(d->encoding));
	d->z_ready = true;
	return E_OK;
}

int decoder_new(struct decoder **ret, enum encoding e, uint64_t max_bytes, struct err *err)
{
	struct decoder *d = calloc(1, sizeof *d);
	int rc = E_OK;

	*ret = NULL;
	if (d == NULL)
		return err_set(err, E_NOMEM, "no memory for a decoder");
	d->encoding = e;
	d->max = max_bytes;
	d->complete = e == ENCODING_IDENTITY;
	if (e == ENCODING_GZIP)
		rc = start_inflate(d, GZIP_WINDOW_BITS, err);
	if (e == ENCODING_BROTLI) {
		d->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
		rc = d->brotli != NULL ? E_OK : E_NOMEM;
	}
	if (e == ENCODING_ZSTD) {
		d->zstd = ZSTD_createDStream();
		rc = d->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
						d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))
			     ? E_OK
			     : E_NOMEM;
	}
	if (rc != E_OK) {
		decoder_free(d);
		return err_set(err, rc, "no memory for a decoder");
	}
	*ret = d;
	return E_OK;
}

void decoder_on_grown(struct decoder *d, decoder_grown_fn *grown, void *arg)
{
	d->grown = grown;
	d->grown_arg = arg;
}

void decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	if (d->z_ready)
		(void)inflateEnd(&d->z);
	if (d->brotli != NULL)
		BrotliDecoderDestroyInstance(d->brotli);
	(void)ZSTD_freeDStream(d->zstd);
	free(d);
}

static int step_identity(struct decoder *d, struct step *s, struct err *err)
{
	size_t n = s->in.n < s->room ? s->in.n : s->room;

	(void)d;
	(void)err;
	memcpy(s->out, s->in.p, n);
	s->in = str_from(s->in, n);
	s->wrote = n;
	return E_OK;
}

/* RFC 1950: method 8, a window of at most 32 KiB, a check sum of both bytes. */
static bool is_zlib_header(const char first[2])
{
	unsigned cmf = (uint8_t)first[0], flags = (uint8_t)first[1];

	return (cmf & 15) == 8 && cmf >> 4 <= 7 && (cmf << 8 | flags) % 31 == 0;
}

static int step_inflate(struct decoder *d, struct step *s, struct err *err)
{
	uInt in_n = s->in.n > UINT32_MAX ? UINT32_MAX : (uInt)s->in.n;
	int rc;

	if (d->fresh_member) {
		if (inflateReset(&d->z) != Z_OK)
			return corrupt(d, err);
		d->fresh_member = d->complete = false;
	}
	d->z.next_in = (z_const Bytef *)(uintptr_t)s->in.p;
	d->z.avail_in = in_n;
	d->z.next_out = (Bytef *)s->out;
	d->z.avail_out = (uInt)s->room;
	rc = inflate(&d->z, Z_NO_FLUSH);
	s->in = str_from(s->in, in_n - d->z.avail_in);
	s->wrote = s->room - d->z.avail_out;
	if (rc == Z_MEM_ERROR)
		return err_set(err, E_NOMEM, "no memory to inflate");
	if (rc == Z_STREAM_END) {
		d->complete = true;
		d->fresh_member = d->encoding == ENCODING_GZIP;
		d->over = d->encoding != ENCODING_GZIP;
		return E_OK;
	}
	return rc == Z_OK || rc == Z_BUF_ERROR ? E_OK : corrupt(d, err);
}

/* "deflate" means zlib, but some clients send the bare form; the first two
 * bytes tell, and may come one by one. */
static int step_deflate(struct decoder *d, struct step *s, struct err *err)
{
	struct step held;
	int rc;

	if (d->z_ready)
		return step_inflate(d, s, err);
	while (d->first_n < sizeof d->first && s->in.n > 0) {
		d->first[d->first_n++] = s->in.p[0];
		s->in = str_from(s->in, 1);
	}
	if (d->first_n < sizeof d->first)
		return E_OK;
	rc = start_inflate(d, is_zlib_header(d->first) ? ZLIB_WINDOW_BITS : RAW_WINDOW_BITS, err);
	if (rc != E_OK)
		return rc;
	/* Two bytes make no more than one block header or a few literals. */
	held = (struct step){str_make(d->first, sizeof d->first), s->out, s->room, 0};
	rc = step_inflate(d, &held, err);
	s->wrote = held.wrote;
	if (rc == E_OK && held.in.n > 0)
		rc = corrupt(d, err);
	return rc;
}

static int step_brotli(struct decoder *d, struct step *s, struct err *err)
{
	size_t in_n = s->in.n, out_n = s->room;
	const uint8_t *in = (const uint8_t *)s->in.p;
	uint8_t *out = (uint8_t *)s->out;
	BrotliDecoderResult rc =
		BrotliDecoderDecompressStream(d->brotli, &in_n, &in, &out_n, &out, NULL);
	BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(d->brotli);

	s->in = str_from(s->in, s->in.n - in_n);
	s->wrote = s->room - out_n;
	if (rc == BROTLI_DECODER_RESULT_SUCCESS)
		d->complete = d->over = true;
	if (rc != BROTLI_DECODER_RESULT_ERROR)
		return E_OK;
	if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
		code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
		return err_set(err, E_NOMEM, "no memory to decode brotli");
	return corrupt(d, err);
}

static int zstd_fault(const struct decoder *d, ZSTD_ErrorCode code, struct err *err)
{
	if (code == ZSTD_error_memory_allocation)
		return err_set(err, E_NOMEM, "no memory to decode zstd");
	if (code == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(err, E_TOOBIG, "zstd stream needs a window above 128 MiB");
	return corrupt(d, err);
}

static int step_zstd(struct decoder *d, struct step *s, struct err *err)
{
	ZSTD_inBuffer in = {s->in.p, s->in.n, 0};
	ZSTD_outBuffer out = {s->out, s->room, 0};
	size_t rc = ZSTD_decompressStream(d->zstd, &out, &in);

	if (ZSTD_isError(rc))
		return zstd_fault(d, ZSTD_getErrorCode(rc), err);
	s->in = str_from(s->in, in.pos);
	s->wrote = out.pos;
	/* A call that neither took nor wrote says nothing about where we are. */
	if (in.pos > 0 || out.pos > 0)
		d->complete = rc == 0;
	return E_OK;
}

static int take_step(struct decoder *d, struct step *s, struct err *err)
{
	switch (d->encoding) {
	case ENCODING_IDENTITY:
		return step_identity(d, s, err);
	case ENCODING_GZIP:
		return step_inflate(d, s, err);
	case ENCODING_DEFLATE:
		return step_deflate(d, s, err);
	case ENCODING_BROTLI:
		return step_brotli(d, s, err);
	case ENCODING_ZSTD:
		return step_zstd(d, s, err);
	}
	return err_set(err, E_UNSUPPORTED, "unknown encoding");
}

int decoder_feed(struct decoder *d, struct str in, struct buf *out, struct err *err)
{
	struct step s = {in, NULL, 0, 0};
	int rc;

	/* Once more after the input is used up: a full output may hide more. */
	while (s.in.n > 0 || (s.wrote == s.room && s.room > 0)) {
		uint64_t left = d->max - d->total;

		if (d->over)
			return s.in.n > 0 ? corrupt(d, err) : E_OK;
		if (d->fresh_member && s.in.n == 0)
			return E_OK;
		s.room = left < DECODE_CHUNK ? (size_t)left + 1 : DECODE_CHUNK;
		s.out = buf_reserve(out, s.room);
		if (s.out == NULL)
			return err_set(err, E_NOMEM, "no memory for the decoded body");
		s.wrote = 0;
		rc = d->grown != NULL ? d->grown(d->grown_arg, out, err) : E_OK;
		if (rc == E_OK)
			rc = take_step(d, &s, err);
		if (rc != E_OK)
			return rc;
		if (s.wrote > left)
			return err_set(err, E_TOOBIG, "decoded body is larger than %llu bytes",
				(unsigned long long)d->max);
		buf_grew(out, s.wrote);
		d->total += s.wrote;
	}
	return E_OK;
}

int decoder_finish(struct decoder *d, struct err *err)
{
	if (d->complete)
		return E_OK;
	return err_set(err, E_SYNTAX, "%s stream ends too early", encoding_name(d->encoding));
}

int decode_all(enum encoding e, struct str in, uint64_t max_bytes, struct buf *out, struct err *err)
{
	struct decoder *d;
	int rc = decoder_new(&d, e, max_bytes, err);

	if (d == NULL)
		return rc;
	rc = decoder_feed(d, in, out, err);
	if (rc == E_OK)
		rc = decoder_finish(d, err);
	decoder_free(d);
	return rc;
}

const char *encoding_name(enum encoding e)
{
	switch (e) {
	case ENCODING_IDENTITY:
		return "identity";
	case ENCODING_GZIP:
		return "gzip";
	case ENCODING_DEFLATE:
		return "deflate";
	case ENCODING_BROTLI:
		return "br";
	case ENCODING_ZSTD:
		return "zstd";
	}
	return "unknown";
}

int encoding_parse(struct str value, enum encoding *ret)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} spellings[] = {
		{"", ENCODING_IDENTITY},
		{"identity", ENCODING_IDENTITY},
		{"utf-8", ENCODING_IDENTITY}, /* from broken old SDKs */
		{"gzip", ENCODING_GZIP},
		{"x-gzip", ENCODING_GZIP},
		{"deflate", ENCODING_DEFLATE},
		{"br", ENCODING_BROTLI},
		{"zstd", ENCODING_ZSTD},
	};

	value = str_trim(value);
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		if (str_ieq(value, str_of(spellings[i].name))) {
			*ret = spellings[i].encoding;
			return E_OK;
		}
	}
	return E_UNSUPPORTED;
}

/* A member ends with its own size, modulo 2^32 (RFC 1952, 2.3.1). */
static bool is_single_member(struct str body, uint64_t decoded_bytes)
{
	const unsigned char *end = (const unsigned char *)body.p + body.n;
	uint32_t size;

	if (body.n < 18)
		return false;
	size = (uint32_t)end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
	       (uint32_t)end[-1] << 24;
	return decoded_bytes <= UINT32_MAX && size == decoded_bytes;
}

bool encoded_is_single(enum encoding e, struct str body, uint64_t decoded_bytes)
{
	switch (e) {
	case ENCODING_GZIP:
		return is_single_member(body, decoded_bytes);
	case ENCODING_ZSTD:
		return ZSTD_findFrameCompressedSize(body.p, body.n) == body.n;
	case ENCODING_BROTLI:
		return true;
	case ENCODING_IDENTITY:
	case ENCODING_DEFLATE:
		break;
	}
	return false;
}
