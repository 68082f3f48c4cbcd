/* Encoding, with contexts that are kept from one call to the next.
 *
 * A zstd context costs hundreds of microseconds to set up and some hundred
 * kilobytes to keep; a call takes one from the pool, or makes one when all are
 * busy, and puts it back.
 */
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "envelope/codec.h"

#define GZIP_LEVEL       6
#define GZIP_WINDOW_BITS (15 + 16)
#define GZIP_MEM_LEVEL   8

struct context {
	struct context *next;
	ZSTD_CCtx *zstd;
	z_stream z;
	bool z_ready;
};

struct codec_pool {
	pthread_mutex_t lock;
	struct context *idle;
	int level;
};

int codec_pool_new(struct codec_pool **ret, int level, struct err *err)
{
	struct codec_pool *p = calloc(1, sizeof *p);

	*ret = NULL;
	if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return err_set(err, E_NOMEM, "no memory for the compressor");
	}
	if (level < ZSTD_minCLevel())
		level = ZSTD_minCLevel();
	p->level = level < ZSTD_maxCLevel() ? level : ZSTD_maxCLevel();
	*ret = p;
	return E_OK;
}

static void context_free(struct context *c)
{
	if (c->z_ready)
		(void)deflateEnd(&c->z);
	(void)ZSTD_freeCCtx(c->zstd);
	free(c);
}

void codec_pool_trim(struct codec_pool *p)
{
	struct context *c, *next;

	(void)pthread_mutex_lock(&p->lock);
	c = p->idle;
	p->idle = NULL;
	(void)pthread_mutex_unlock(&p->lock);
	for (; c != NULL; c = next) {
		next = c->next;
		context_free(c);
	}
}

void codec_pool_free(struct codec_pool *p)
{
	if (p == NULL)
		return;
	codec_pool_trim(p);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

static struct context *context_take(struct codec_pool *p)
{
	struct context *c;

	(void)pthread_mutex_lock(&p->lock);
	c = p->idle;
	if (c != NULL)
		p->idle = c->next;
	(void)pthread_mutex_unlock(&p->lock);
	return c != NULL ? c : calloc(1, sizeof *c);
}

static void context_give(struct codec_pool *p, struct context *c)
{
	(void)pthread_mutex_lock(&p->lock);
	c->next = p->idle;
	p->idle = c;
	(void)pthread_mutex_unlock(&p->lock);
}

/* Parameters stick to a context: they are set once. */
static bool zstd_ready(struct context *c, int level)
{
	if (c->zstd != NULL)
		return true;
	c->zstd = ZSTD_createCCtx();
	if (c->zstd == NULL)
		return false;
	if (!ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level)) &&
		!ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_contentSizeFlag, 0)) &&
		!ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 0)) &&
		!ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_dictIDFlag, 0)))
		return true;
	(void)ZSTD_freeCCtx(c->zstd);
	c->zstd = NULL;
	return false;
}

int codec_zstd(struct codec_pool *p, struct str in, struct buf *out, struct err *err)
{
	struct context *c = context_take(p);
	size_t bound = ZSTD_compressBound(in.n), n = 0;
	int rc = E_NOMEM;
	char *to;

	if (c == NULL)
		return err_set(err, E_NOMEM, "no memory to compress");
	to = ZSTD_isError(bound) ? NULL : buf_reserve(out, bound);
	if (to != NULL && zstd_ready(c, p->level)) {
		n = ZSTD_compress2(c->zstd, to, bound, in.p, in.n);
		rc = ZSTD_isError(n) ? E_NOMEM : E_OK;
	}
	if (rc == E_OK)
		buf_grew(out, n);
	context_give(p, c);
	return rc == E_OK ? E_OK : err_set(err, rc, "no memory to compress");
}

static bool gzip_ready(struct context *c)
{
	if (c->z_ready)
		return deflateReset(&c->z) == Z_OK;
	c->z_ready = deflateInit2(&c->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEM_LEVEL,
			     Z_DEFAULT_STRATEGY) == Z_OK;
	return c->z_ready;
}

int codec_gzip(struct codec_pool *p, struct str in, struct buf *out, struct err *err)
{
	struct context *c;
	uLong bound = 0;
	char *to = NULL;
	int rc = Z_MEM_ERROR;

	if (in.n > UINT32_MAX / 2)
		return err_set(err, E_TOOBIG, "too much to compress at once");
	c = context_take(p);
	if (c != NULL && gzip_ready(c)) {
		bound = deflateBound(&c->z, (uLong)in.n);
		to = buf_reserve(out, bound);
	}
	if (to != NULL) {
		c->z.next_in = (z_const Bytef *)(uintptr_t)in.p;
		c->z.avail_in = (uInt)in.n;
		c->z.next_out = (Bytef *)to;
		c->z.avail_out = (uInt)bound;
		rc = deflate(&c->z, Z_FINISH);
	}
	if (rc == Z_STREAM_END)
		buf_grew(out, bound - c->z.avail_out);
	if (c != NULL)
		context_give(p, c);
	return rc == Z_STREAM_END ? E_OK : err_set(err, E_NOMEM, "no memory to compress");
}
