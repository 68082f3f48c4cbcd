/* SHA-1 (FIPS 180-4) and HMAC over it (RFC 2104). */
#include "scrub/sha1.h"

#include <string.h>

#define BLOCK 64

struct sha1 {
	uint32_t h[5];
	uint64_t bytes;
	size_t fill;
	uint8_t block[BLOCK];
};

static uint32_t rotl(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void schedule(const uint8_t *p, uint32_t w[80])
{
	for (size_t i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (size_t i = 16; i < 80; i++)
		w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

static uint32_t round_f(size_t i, uint32_t b, uint32_t c, uint32_t d)
{
	if (i < 20)
		return (b & c) | (~b & d);
	if (i >= 40 && i < 60)
		return (b & c) | (b & d) | (c & d);
	return b ^ c ^ d;
}

static void compress(struct sha1 *s, const uint8_t *p)
{
	static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
	uint32_t v[5];
	uint32_t w[80];

	schedule(p, w);
	memcpy(v, s->h, sizeof v);
	for (size_t i = 0; i < 80; i++) {
		uint32_t t = rotl(v[0], 5) + round_f(i, v[1], v[2], v[3]) + v[4] + k[i / 20] + w[i];

		v[4] = v[3];
		v[3] = v[2];
		v[2] = rotl(v[1], 30);
		v[1] = v[0];
		v[0] = t;
	}
	for (size_t i = 0; i < 5; i++)
		s->h[i] += v[i];
}

static void sha1_init(struct sha1 *s)
{
	*s = (struct sha1){
		.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
	};
}

static void sha1_add(struct sha1 *s, const void *data, size_t n)
{
	const uint8_t *p = data;

	s->bytes += n;
	while (n > 0) {
		size_t room = BLOCK - s->fill;
		size_t take = n < room ? n : room;

		memcpy(s->block + s->fill, p, take);
		s->fill += take;
		p += take;
		n -= take;
		if (s->fill == BLOCK) {
			compress(s, s->block);
			s->fill = 0;
		}
	}
}

static void sha1_end(struct sha1 *s, uint8_t out[SHA1_BYTES])
{
	static const uint8_t pad[BLOCK] = {0x80};
	uint64_t bits = s->bytes * 8;
	uint8_t length[8];

	for (size_t i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	sha1_add(s, pad, s->fill < 56 ? 56 - s->fill : BLOCK + 56 - s->fill);
	sha1_add(s, length, sizeof length);
	for (size_t i = 0; i < SHA1_BYTES; i++)
		out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void sha1_digest(struct str data, uint8_t out[SHA1_BYTES])
{
	struct sha1 s;

	sha1_init(&s);
	if (data.n > 0)
		sha1_add(&s, data.p, data.n);
	sha1_end(&s, out);
}

static void pad_key(struct sha1 *s, const uint8_t key[BLOCK], uint8_t with)
{
	uint8_t block[BLOCK];

	for (size_t i = 0; i < BLOCK; i++)
		block[i] = key[i] ^ with;
	sha1_init(s);
	sha1_add(s, block, sizeof block);
}

void sha1_hmac(struct str key, struct str data, uint8_t out[SHA1_BYTES])
{
	uint8_t k[BLOCK] = {0};
	uint8_t inner[SHA1_BYTES];
	struct sha1 s;

	if (key.n > BLOCK)
		sha1_digest(key, k);
	else if (key.n > 0)
		memcpy(k, key.p, key.n);
	pad_key(&s, k, 0x36);
	if (data.n > 0)
		sha1_add(&s, data.p, data.n);
	sha1_end(&s, inner);
	pad_key(&s, k, 0x5c);
	sha1_add(&s, inner, sizeof inner);
	sha1_end(&s, out);
}

void sha1_hmac_hex(struct str key, struct str data, char out[SHA1_HEX])
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t sum[SHA1_BYTES];

	sha1_hmac(key, data, sum);
	for (size_t i = 0; i < SHA1_BYTES; i++) {
		out[2 * i] = digits[sum[i] >> 4];
		out[2 * i + 1] = digits[sum[i] & 15];
	}
}
