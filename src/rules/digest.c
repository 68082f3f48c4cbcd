#include "rules/digest.h"

#define BLOCK_BYTES 64u

struct sha256 {
	uint32_t h[8];
	uint8_t block[BLOCK_BYTES];
	size_t filled;
	uint64_t bytes;
};

/* Fractional parts of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
	0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6,
	0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
	0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585,
	0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
	0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void expand(const uint8_t *block, uint32_t w[64])
{
	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (unsigned i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
}

static void mix(struct sha256 *s, const uint8_t *block)
{
	uint32_t w[64], v[8];

	expand(block, w);
	memcpy(v, s->h, sizeof v);
	for (unsigned i = 0; i < 64; i++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t = v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
			     ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
		uint32_t u = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
			     ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t;
		v[0] = t + u;
	}
	for (unsigned i = 0; i < 8; i++)
		s->h[i] += v[i];
}

static void start(struct sha256 *s)
{
	*s = (struct sha256){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
				     0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static void feed(struct sha256 *s, const void *p, size_t n)
{
	const uint8_t *b = p;

	s->bytes += n;
	while (n > 0) {
		size_t take = BLOCK_BYTES - s->filled < n ? BLOCK_BYTES - s->filled : n;

		memcpy(s->block + s->filled, b, take);
		s->filled += take;
		b += take;
		n -= take;
		if (s->filled == BLOCK_BYTES) {
			mix(s, s->block);
			s->filled = 0;
		}
	}
}

static void finish(struct sha256 *s, uint8_t out[DIGEST_BYTES])
{
	static const uint8_t pad[BLOCK_BYTES] = {0x80};
	uint64_t bits = s->bytes * 8;
	size_t zeros = s->filled < 56 ? 56 - s->filled : 120 - s->filled;
	uint8_t length[8];

	for (unsigned i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	feed(s, pad, zeros);
	feed(s, length, sizeof length);
	for (unsigned i = 0; i < DIGEST_BYTES; i++)
		out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

static void keyed(const uint8_t *key, uint8_t with, const void *p, size_t n, uint8_t *out)
{
	uint8_t block[BLOCK_BYTES];
	struct sha256 s;

	for (unsigned i = 0; i < BLOCK_BYTES; i++)
		block[i] = key[i] ^ with;
	start(&s);
	feed(&s, block, sizeof block);
	feed(&s, p, n);
	finish(&s, out);
}

static void hmac(struct str key, struct str text, uint8_t out[DIGEST_BYTES])
{
	uint8_t block[BLOCK_BYTES] = {0}, inner[DIGEST_BYTES];
	struct sha256 s;

	if (key.n > BLOCK_BYTES) {
		start(&s);
		feed(&s, key.p, key.n);
		finish(&s, block);
	} else {
		memcpy(block, key.p, key.n);
	}
	keyed(block, 0x36, text.p, text.n, inner);
	keyed(block, 0x5c, inner, sizeof inner, out);
}

void digest_hex(struct str key, struct str text, char out[DIGEST_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t d[DIGEST_BYTES];
	struct sha256 s;

	if (key.n > 0) {
		hmac(key, text, d);
	} else {
		start(&s);
		feed(&s, text.p, text.n);
		finish(&s, d);
	}
	for (unsigned i = 0; i < DIGEST_BYTES; i++) {
		out[2 * i] = digits[d[i] >> 4];
		out[2 * i + 1] = digits[d[i] & 15];
	}
	out[2 * DIGEST_BYTES] = '\0';
}
