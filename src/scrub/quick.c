/* What each pattern cannot do without.
 *
 * Text that is not ASCII can hold digits, blanks and letters of other scripts
 * that Unicode matching takes for ours (U+212A for k, U+017F for s): it is
 * given to every pattern except those that need an ASCII character by itself.
 */
#include "scrub/quick.h"

/* What is in a text. */
enum {
	HAS_OTHER = 1,   /* a byte above 0x7f */
	HAS_AT = 2,      /* @ */
	HAS_COLON = 4,   /* : */
	HAS_SLASH = 8,   /* / or backslash */
	HAS_DASH = 16,   /* - */
	HAS_DOT = 32,    /* . */
	HAS_EQUALS = 64, /* = */
	HAS_NUL = 128,
	HAS_WORD = 256, /* begins a word of the password list */
	HAS_BEARER = 512,
	HAS_DASHES = 1024,  /* -- */
	HAS_SLASHES = 2048, /* // */
	HAS_TOKEN = 4096,
	HAS_DEEP = 8192, /* begins a word of deep scrubbing, beside those above */
	HAS_AUTH = 16384,
	HAS_CAPITALS = 32768, /* two capitals and a digit in a row */
	HAS_FACTS = 65535,    /* any of these */
	/* Of one byte, for the loop. */
	IS_CAPITAL = 1 << 16,
	IS_DIGIT = 1 << 17
};

#define CAPITALS_BIT   15
#define IS_CAPITAL_BIT 16
#define IS_DIGIT_BIT   17

/* What may come second in the words below, by their first letter: bit n for the nth
 * letter of the alphabet in either case, and for whatever else shares its low bits. */
#define SECOND(c) (UINT32_C(1) << ((c)&31))

struct byte_facts {
	uint32_t has;
	uint32_t seconds; /* a word begins here when one of these comes next */
};

#define BEGINS(upper, lower, seconds) [upper] = {IS_CAPITAL, seconds}, [lower] = {0, seconds}
#define CAPITAL(c)                    [c] = {IS_CAPITAL, 0}
#define DIGIT(c)                      [c] = {IS_DIGIT, 0}
#define FOUR_OTHER(i)                                                                              \
	[i] = {HAS_OTHER, 0}, [(i) + 1] = {HAS_OTHER, 0}, [(i) + 2] = {HAS_OTHER, 0},              \
	[(i) + 3] = {HAS_OTHER, 0}
#define ROW_OTHER(i) FOUR_OTHER(i), FOUR_OTHER((i) + 4), FOUR_OTHER((i) + 8), FOUR_OTHER((i) + 12)

static const struct byte_facts bytes[256] = {
	[0] = {HAS_NUL, 0},
	['@'] = {HAS_AT, 0},
	[':'] = {HAS_COLON, 0},
	['/'] = {HAS_SLASH, SECOND('/')},
	['\\'] = {HAS_SLASH, 0},
	['-'] = {HAS_DASH, SECOND('-')},
	['.'] = {HAS_DOT, 0},
	['='] = {HAS_EQUALS, 0},
	DIGIT('0'),
	DIGIT('1'),
	DIGIT('2'),
	DIGIT('3'),
	DIGIT('4'),
	DIGIT('5'),
	DIGIT('6'),
	DIGIT('7'),
	DIGIT('8'),
	DIGIT('9'),
	CAPITAL('D'),
	CAPITAL('E'),
	CAPITAL('F'),
	CAPITAL('G'),
	CAPITAL('H'),
	CAPITAL('I'),
	CAPITAL('K'),
	CAPITAL('L'),
	CAPITAL('N'),
	CAPITAL('O'),
	CAPITAL('Q'),
	CAPITAL('R'),
	CAPITAL('U'),
	CAPITAL('V'),
	CAPITAL('W'),
	CAPITAL('Y'),
	CAPITAL('Z'),
	BEGINS('A', 'a', SECOND('u') | SECOND('c') | SECOND('p')),
	BEGINS('B', 'b', SECOND('e')),
	BEGINS('C', 'c', SECOND('r') | SECOND('s') | SECOND('o')),
	BEGINS('J', 'j', SECOND('w')),
	BEGINS('M', 'm', SECOND('y')),
	BEGINS('P', 'p', SECOND('a') | SECOND('r') | SECOND('h') | SECOND('w')),
	BEGINS('S', 's', SECOND('e') | SECOND('i') | SECOND('a') | SECOND('y') | SECOND('s')),
	BEGINS('T', 't', SECOND('o') | SECOND('w')),
	BEGINS('X', 'x', SECOND('s')),
	ROW_OTHER(0x80),
	ROW_OTHER(0x90),
	ROW_OTHER(0xa0),
	ROW_OTHER(0xb0),
	ROW_OTHER(0xc0),
	ROW_OTHER(0xd0),
	ROW_OTHER(0xe0),
	ROW_OTHER(0xf0),
};

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

/* Words of three letters: whatever follows. */
static uint32_t short_word(uint32_t v)
{
	switch (v & 0xffffff00u) {
	case FOUR('p', 'w', 'd', 0):
	case FOUR('j', 'w', 't', 0):
	case FOUR('s', 'i', 'd', 0):
	case FOUR('s', 's', 'o', 0):
		return HAS_DEEP;
	case FOUR('a', 'p', 'i', 0):
		return HAS_WORD | HAS_DEEP;
	case FOUR('t', 'w', 'o', 0):
		return HAS_WORD;
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
	case FOUR('c', 'r', 'e', 'd'):
	case FOUR('m', 'y', 's', 'q'):
	case FOUR('p', 'r', 'i', 'v'):
		return HAS_WORD | HAS_DEEP;
	case FOUR('a', 'u', 't', 'h'):
		return HAS_WORD | HAS_DEEP | HAS_AUTH;
	case FOUR('t', 'o', 'k', 'e'):
		return HAS_TOKEN | HAS_DEEP;
	case FOUR('b', 'e', 'a', 'r'):
		return HAS_BEARER | HAS_DEEP;
	case FOUR('a', 'c', 'c', 'e'):
	case FOUR('c', 's', 'r', 'f'):
	case FOUR('x', 's', 'r', 'f'):
	case FOUR('p', 'h', 'p', 's'):
	case FOUR('s', 'e', 's', 's'):
	case FOUR('c', 'o', 'o', 'k'):
	case FOUR('s', 'a', 'm', 'l'):
	case FOUR('s', 'i', 'g', 'n'):
	case FOUR('s', 'y', 'm', 'f'):
		return HAS_DEEP;
	default:
		break;
	}
	if (p[0] == '-' && p[1] == '-')
		return HAS_DASHES;
	if (p[0] == '/' && p[1] == '/')
		return HAS_SLASHES;
	return short_word(v);
}

struct collected {
	uint32_t has;
	uint32_t capitals; /* a bit for each byte before */
	size_t digits;
};

static inline void add_byte(struct collected *c, const struct byte_facts *f)
{
	uint32_t digit = f->has >> IS_DIGIT_BIT;

	c->has |= f->has | (digit & c->capitals & c->capitals >> 1) << CAPITALS_BIT;
	c->capitals = c->capitals << 1 | (f->has >> IS_CAPITAL_BIT & 1);
	c->digits += digit;
}

/* No jump depends on the text but where two bytes begin a word: few do, and the rest
 * could not be foreseen. */
static struct collected collect(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	struct collected c = {.has = s.n == 3 ? HAS_WORD : 0}; /* otp is a word by itself */

	for (size_t i = 0; i + 1 < s.n; i++) {
		const struct byte_facts *f = &bytes[p[i]];

		add_byte(&c, f);
		if ((f->seconds >> (p[i + 1] & 31) & 1) != 0)
			c.has |= word_at(p + i, s.n - i);
	}
	if (s.n > 0)
		add_byte(&c, &bytes[p[s.n - 1]]);
	return c;
}

/* --- a second look, at the few texts that have what a pattern needs -------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Where c comes next, from at on; s.n: nowhere. */
static size_t next_at(struct str s, size_t at, char c)
{
	return at + str_find_char(str_from(s, at), c);
}

/* Three dots, with one to three bytes between them. */
static bool has_four_numbers(struct str s)
{
	unsigned dots = 0;
	size_t last = 0;

	for (size_t i = next_at(s, 0, '.'); i < s.n; i = next_at(s, i + 1, '.')) {
		dots = dots > 0 && i - last >= 2 && i - last <= 4 ? dots + 1 : 1;
		if (dots == 3)
			return true;
		last = i;
	}
	return false;
}

/* Two colons, with at most four bytes between them. */
static bool has_short_group(struct str s)
{
	size_t last = next_at(s, 0, ':');

	for (size_t i = last; i < s.n; i = next_at(s, i + 1, ':')) {
		if (i > last && i - last <= 5)
			return true;
		last = i;
	}
	return false;
}

/* As many digits with nothing but blanks and dashes between them. */
static bool has_long_number(struct str s, unsigned digits)
{
	unsigned found = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (is_digit(c))
			found++;
		else if (c != ' ' && c != '-' && (c < '\t' || c > '\r'))
			found = 0;
		if (found == digits)
			return true;
	}
	return false;
}

/* A dash between digits, and another three bytes on. */
static bool has_two_dashes(struct str s)
{
	for (size_t i = next_at(s, 0, '-'); i + 7 < s.n; i = next_at(s, i + 1, '-'))
		if (i >= 3 && is_digit(s.p[i - 1]) && is_digit(s.p[i + 1]) && s.p[i + 3] == '-')
			return true;
	return false;
}

static uint32_t if_may(bool may, enum pattern_id id)
{
	return may ? QUICK_PATTERN(id) : 0;
}

/* Texts with something in them that a pattern might want. */
static uint32_t patterns_for(struct str s, uint32_t has, size_t digits)
{
	bool other = (has & HAS_OTHER) != 0;
	bool at = (has & HAS_AT) != 0;
	bool dot = (has & HAS_DOT) != 0;
	bool dash = (has & HAS_DASH) != 0;
	bool deep = (has & HAS_DEEP) != 0 || other;
	bool pair = (has & (HAS_EQUALS | HAS_COLON)) != 0;
	bool number = other || (digits >= 15 && has_long_number(s, 15));

	return if_may(s.n >= 15 && number, PAT_IMEI) | if_may(s.n >= 15 && number, PAT_CREDITCARD) |
	       if_may(s.n >= 17 && (dash || (has & HAS_COLON) != 0), PAT_MAC) |
	       if_may(at && dot, PAT_EMAIL) |
	       if_may(s.n >= 15 && ((has & HAS_CAPITALS) != 0 || other), PAT_IBAN) |
	       if_may(dot && digits >= 4 && has_four_numbers(s), PAT_IP4) |
	       if_may((has & HAS_COLON) != 0 && has_short_group(s), PAT_IP6) |
	       if_may((has & HAS_SLASH) != 0, PAT_USERPATH) |
	       if_may((has & HAS_DASHES) != 0, PAT_PEMKEY) |
	       if_may(at && (has & HAS_SLASHES) != 0, PAT_URLAUTH) |
	       if_may(at && (has & HAS_SLASHES) != 0, PAT_URLAUTH_LEGACY) |
	       if_may(dash && digits >= 9 && has_two_dashes(s), PAT_USSSN) |
	       if_may((has & HAS_BEARER) != 0 || other, PAT_BEARER) |
	       if_may((has & HAS_TOKEN) != 0 || other, PAT_TOKENKEY) |
	       if_may((has & (HAS_WORD | HAS_TOKEN)) != 0 || other, PAT_PASSWORD) |
	       if_may((has & HAS_EQUALS) != 0, PAT_COOKIES) | if_may(deep, PAT_DEEP_KEYS) |
	       if_may(deep && pair, PAT_DEEP_PAIRS) |
	       if_may(((has & HAS_AUTH) != 0 || other) && pair, PAT_DEEP_HEADER);
}

void quick_look(struct str s, struct quick *q)
{
	struct collected c = collect(s);

	q->bits = QUICK_ANY_TEXT | if_may(s.n >= 32, PAT_UUID);
	if ((c.has & HAS_FACTS) == 0 && c.digits < 15)
		return; /* words and blanks */
	q->bits |= patterns_for(s, c.has, c.digits);
	q->bits |= (c.has & HAS_NUL) != 0 ? QUICK_HAS_NUL : 0;
	q->bits |= (c.has & HAS_OTHER) != 0 ? QUICK_HAS_OTHER : 0;
}
