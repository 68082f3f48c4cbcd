/* codec.h - compressed bodies: what clients send, what disk and upstream get.
 *
 * Decoding is a stream with a bound on the decoded bytes; it never expands past
 * the bound (P-011). Encoding works on whole blocks and is meant for workers.
 * Compression contexts are costly to make, so they are kept in a pool.
 *
 * Owns     a decoder or pool owns its contexts.
 * Threads  a decoder one at a time; a pool any.
 * Fails    E_SYNTAX       the stream is corrupt or truncated (answer 400)
 *          E_TOOBIG       more than the bound (answer 413)
 *          E_UNSUPPORTED  unknown encoding (answer 415)
 *          E_NOMEM
 */
#ifndef PICKET_ENVELOPE_CODEC_H
#define PICKET_ENVELOPE_CODEC_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum encoding {
	ENCODING_IDENTITY,
	ENCODING_GZIP,
	ENCODING_DEFLATE,
	ENCODING_BROTLI,
	ENCODING_ZSTD
};

/* Reads a Content-Encoding value as protocol.md 4.3 tells. E_UNSUPPORTED for
 * anything else, lists included. */
int encoding_parse(struct str value, enum encoding *ret);
const char *encoding_name(enum encoding e);

struct decoder;
/* max_bytes bounds the decoded total. */
int decoder_new(struct decoder **ret, enum encoding e, uint64_t max_bytes, struct err *err);
void decoder_free(struct decoder *d);
/* Asked whenever out may have grown, before it is written to: anything but E_OK
 * ends decoding with that. */
typedef int decoder_grown_fn(void *arg, const struct buf *out, struct err *err);
void decoder_on_grown(struct decoder *d, decoder_grown_fn *grown, void *arg);
/* Decodes in and appends to out (whose own max is not used as the bound). */
int decoder_feed(struct decoder *d, struct str in, struct buf *out, struct err *err);
/* E_SYNTAX when the stream is not complete. */
int decoder_finish(struct decoder *d, struct err *err);

/* All of it at once. */
int decode_all(
	enum encoding e, struct str in, uint64_t max_bytes, struct buf *out, struct err *err);

/* Whether body, which decoded to decoded_bytes, is a single gzip member, zstd
 * frame or brotli stream: not every server reads more than the first. */
bool encoded_is_single(enum encoding e, struct str body, uint64_t decoded_bytes);

struct codec_pool;
/* level: zstd level for disk and wire. */
int codec_pool_new(struct codec_pool **ret, int level, struct err *err);
void codec_pool_free(struct codec_pool *p);
/* Frees contexts that nobody uses now: called when idle, to give memory back. */
void codec_pool_trim(struct codec_pool *p);

/* One zstd frame without content size and checksum, so that codec_zstd_splice()
 * can put a text in front of it. */
int codec_zstd(struct codec_pool *p, struct str in, struct buf *out, struct err *err);
int codec_gzip(struct codec_pool *p, struct str in, struct buf *out, struct err *err);

/* Appends one legal zstd frame that decodes to head followed by what frame
 * (made by codec_zstd) decodes to, without decompressing it: the head goes in
 * as raw blocks in front of the blocks of frame. */
int codec_zstd_splice(struct str head, struct str frame, struct buf *out, struct err *err);

#endif
