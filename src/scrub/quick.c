/* What each pattern cannot do without.
 *
 * Text that is not ASCII can hold digits, blanks and letters of other scripts
 * that Unicode matching takes for ours (U+212A for k, U+017F for s): it is
 * given to every pattern except those that need an ASCII character by itself.
 */
#include "scrub/quick.h"

enum {
	QUICK_OTHER = 1,   /* a byte above 0x7f */
	QUICK_AT = 2,      /* @ */
	QUICK_COLON = 4,   /* : */
	QUICK_SLASH = 8,   /* / or backslash */
	QUICK_DASH = 16,   /* - */
	QUICK_DOT = 32,    /* . */
	QUICK_EQUALS = 64, /* = */
	QUICK_NUL = 128,
	QUICK_WORD = 256,     /* begins a word of the password list */
	QUICK_CAPITALS = 512, /* two capitals and a digit in a row */
	QUICK_BEARER = 1024,
	QUICK_DASHES = 2048,  /* -- */
	QUICK_SLASHES = 4096, /* // */
	QUICK_TOKEN = 8192,
	QUICK_DEEP = 16384, /* begins a word of deep scrubbing, beside those above */
	/* Of one byte only, for the loop. */
	QUICK_DIGIT = 1 << 20,
	QUICK_START = 1 << 21 /* what follows is worth a look */
};

#define START(upper, lower) [upper] = QUICK_START, [lower] = QUICK_START

#define FOUR_OF(i, f) [i] = f, [(i) + 1] = f, [(i) + 2] = f, [(i) + 3] = f
#define ROW_OF(i, f)  FOUR_OF(i, f), FOUR_OF((i) + 4, f), FOUR_OF((i) + 8, f), FOUR_OF((i) + 12, f)

static const uint32_t bytes[256] = {
	[0] = QUICK_NUL,
	['@'] = QUICK_AT,
	[':'] = QUICK_COLON,
	['/'] = QUICK_SLASH | QUICK_START,
	['\\'] = QUICK_SLASH,
	['-'] = QUICK_DASH | QUICK_START,
	['.'] = QUICK_DOT,
	['='] = QUICK_EQUALS,
	FOUR_OF('0', QUICK_DIGIT),
	FOUR_OF('4', QUICK_DIGIT),
	['8'] = QUICK_DIGIT,
	['9'] = QUICK_DIGIT,
	ROW_OF(0x80, QUICK_OTHER),
	ROW_OF(0x90, QUICK_OTHER),
	ROW_OF(0xa0, QUICK_OTHER),
	ROW_OF(0xb0, QUICK_OTHER),
	ROW_OF(0xc0, QUICK_OTHER),
	ROW_OF(0xd0, QUICK_OTHER),
	ROW_OF(0xe0, QUICK_OTHER),
	ROW_OF(0xf0, QUICK_OTHER),
	START('A', 'a'),
	START('B', 'b'),
	START('C', 'c'),
	START('J', 'j'),
	START('M', 'm'),
	START('P', 'p'),
	START('S', 's'),
	START('T', 't'),
	START('X', 'x'),
};

/* What may come second in the words below, by their first letter: bit n for the nth
 * letter of the alphabet in either case, and for whatever else shares its low bits. */
#define SECOND(c) (UINT32_C(1) << ((c)&31))

static const uint32_t seconds[32] = {
	['a' & 31] = SECOND('u') | SECOND('c') | SECOND('p'),
	['b' & 31] = SECOND('e'),
	['c' & 31] = SECOND('r') | SECOND('s') | SECOND('o'),
	['j' & 31] = SECOND('w'),
	['m' & 31] = SECOND('y') | SECOND('-'), /* shares them with '-' */
	['o' & 31] = SECOND('/'),               /* '/' itself */
	['p' & 31] = SECOND('a') | SECOND('r') | SECOND('h') | SECOND('w'),
	['s' & 31] = SECOND('e') | SECOND('i') | SECOND('a') | SECOND('y') | SECOND('s'),
	['t' & 31] = SECOND('o') | SECOND('w'),
	['x' & 31] = SECOND('s'),
};

/* Most letters that could begin a word do not. */
static bool may_begin(const unsigned char *p, size_t n)
{
	return n > 1 && (seconds[p[0] & 31] >> (p[1] & 31) & 1) != 0;
}

/* Four bytes, letters in lower case; '_' becomes 0x7f, the rest is good enough
 * for a look. */
static uint32_t four_at(const unsigned char *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++)
		v = v << 8 | (i < n ? p[i] | 0x20u : 0);
	return v;
}

#define FOUR(a, b, c, d)                                                                           \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define UNDERSCORE 0x7f

/* Words of three letters: whatever follows. */
static uint32_t short_word(uint32_t v)
{
	switch (v & 0xffffff00u) {
	case FOUR('p', 'w', 'd', 0):
	case FOUR('j', 'w', 't', 0):
	case FOUR('s', 'i', 'd', 0):
	case FOUR('s', 's', 'o', 0):
		return QUICK_DEEP;
	case FOUR('a', 'p', 'i', 0):
		return QUICK_WORD | QUICK_DEEP;
	case FOUR('t', 'w', 'o', 0):
		return QUICK_WORD;
	default:
		return 0;
	}
}

static uint32_t word_at(const unsigned char *p, size_t n)
{
	uint32_t v = four_at(p, n);

	switch (v) {
	case FOUR('p', 'a', 's', 's'):
	case FOUR('s', 'e', 'c', 'r'):
	case FOUR('a', 'u', 't', 'h'):
	case FOUR('c', 'r', 'e', 'd'):
	case FOUR('m', 'y', 's', 'q'):
	case FOUR('p', 'r', 'i', 'v'):
		return QUICK_WORD | QUICK_DEEP;
	case FOUR('t', 'o', 'k', 'e'):
		return QUICK_TOKEN | QUICK_DEEP;
	case FOUR('b', 'e', 'a', 'r'):
		return QUICK_BEARER | QUICK_DEEP;
	case FOUR('a', 'c', 'c', 'e'):
	case FOUR('c', 's', 'r', 'f'):
	case FOUR('x', 's', 'r', 'f'):
	case FOUR('p', 'h', 'p', 's'):
	case FOUR('s', 'e', 's', 's'):
	case FOUR('c', 'o', 'o', 'k'):
	case FOUR('s', 'a', 'm', 'l'):
	case FOUR('s', 'i', 'g', 'n'):
	case FOUR('s', 'y', 'm', 'f'):
		return QUICK_DEEP;
	default:
		break;
	}
	if (n > 1 && p[0] == '-' && p[1] == '-')
		return QUICK_DASHES;
	if (n > 1 && p[0] == '/' && p[1] == '/')
		return QUICK_SLASHES;
	return short_word(v);
}

static bool is_capital(unsigned char c)
{
	return c >= 'A' && c <= 'Z';
}

void quick_look(struct str s, struct quick *q)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t has = s.n == 3 ? QUICK_WORD : 0; /* otp is a word by itself */
	uint32_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint32_t f = bytes[p[i]];

		has |= f;
		if ((f & (QUICK_START | QUICK_DIGIT)) == 0)
			continue;
		if ((f & QUICK_START) != 0) {
			if (may_begin(p + i, s.n - i))
				has |= word_at(p + i, s.n - i);
			continue;
		}
		digits += digits < UINT32_MAX;
		if (i >= 2 && is_capital(p[i - 1]) && is_capital(p[i - 2]))
			has |= QUICK_CAPITALS;
	}
	*q = (struct quick){has, digits, s.n};
}

bool quick_is_plain(const struct quick *q)
{
	return (q->has & QUICK_NUL) == 0;
}

bool quick_is_ascii(const struct quick *q)
{
	return (q->has & QUICK_OTHER) == 0;
}

static bool with_digits(const struct quick *q, uint32_t least)
{
	return q->digits >= least || (q->has & QUICK_OTHER) != 0;
}

static bool with(const struct quick *q, uint32_t any)
{
	return (q->has & any) != 0;
}

bool quick_may_match(const struct quick *q, enum pattern_id id)
{
	switch (id) {
	case PAT_IMEI:
		return q->n >= 15 && with_digits(q, 15);
	case PAT_MAC:
		return q->n >= 17 && with(q, QUICK_COLON | QUICK_DASH);
	case PAT_UUID:
		return q->n >= 32;
	case PAT_EMAIL:
		return with(q, QUICK_AT) && with(q, QUICK_DOT);
	case PAT_IBAN:
		return q->n >= 15 && with(q, QUICK_CAPITALS | QUICK_OTHER);
	case PAT_IP4:
		return q->n >= 7 && with(q, QUICK_DOT) && with_digits(q, 4);
	case PAT_IP6:
		return with(q, QUICK_COLON);
	case PAT_CREDITCARD:
		return q->n >= 15 && with_digits(q, 15);
	case PAT_USERPATH:
		return with(q, QUICK_SLASH);
	case PAT_PEMKEY:
		return with(q, QUICK_DASHES);
	case PAT_URLAUTH:
	case PAT_URLAUTH_LEGACY:
		return with(q, QUICK_AT) && with(q, QUICK_SLASHES);
	case PAT_USSSN:
		return q->n >= 11 && with(q, QUICK_DASH) && with_digits(q, 9);
	case PAT_BEARER:
		return with(q, QUICK_BEARER | QUICK_OTHER);
	case PAT_TOKENKEY:
		return with(q, QUICK_TOKEN | QUICK_OTHER);
	case PAT_PASSWORD:
		return with(q, QUICK_WORD | QUICK_TOKEN | QUICK_OTHER);
	case PAT_COOKIES:
		return with(q, QUICK_EQUALS);
	case PAT_DEEP_KEYS:
		return with(q, QUICK_DEEP | QUICK_OTHER);
	case PAT_DEEP_PAIRS:
		return with(q, QUICK_EQUALS | QUICK_COLON) && with(q, QUICK_DEEP | QUICK_OTHER);
	case PAT_ANYTHING:
	case PAT_CUSTOM:
		break;
	}
	return true;
}
