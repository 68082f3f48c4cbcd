#include "base/siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void mix(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = turn(s->v1, 13) ^ s->v0;
	s->v3 = turn(s->v3, 16) ^ s->v2;
	s->v0 = turn(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v3 = turn(s->v3, 21) ^ s->v0;
	s->v1 = turn(s->v1, 17) ^ s->v2;
	s->v2 = turn(s->v2, 32);
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	mix(s);
	s->v0 ^= word;
}

/* Up to eight bytes, little-endian. */
static uint64_t word_of(const char *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return w;
}

uint64_t siphash(const struct siphash_key *key, struct str bytes)
{
	/* The constants spell "somepseudorandomlygeneratedbytes". */
	struct state s = {key->k0 ^ UINT64_C(0x736f6d6570736575),
		key->k1 ^ UINT64_C(0x646f72616e646f6d), key->k0 ^ UINT64_C(0x6c7967656e657261),
		key->k1 ^ UINT64_C(0x7465646279746573)};
	size_t i = 0;

	for (; bytes.n - i >= 8; i += 8)
		absorb(&s, word_of(bytes.p + i, 8));
	absorb(&s, (uint64_t)bytes.n << 56 | word_of(bytes.p + i, bytes.n - i));
	s.v2 ^= 0xff;
	for (int round = 0; round < 4; round++)
		mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
