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
	QUICK_WORD = 256,     /* two letters that begin a word of the password list */
	QUICK_CAPITALS = 512, /* two capitals and a digit in a row */
	QUICK_BEARER = 1024,  /* the letters b and e in a row */
	QUICK_DASHES = 2048,  /* -- */
	QUICK_SLASHES = 4096, /* // */
	QUICK_TOKEN = 8192    /* t and o in a row */
};

static uint32_t bit_of(unsigned char c)
{
	switch (c) {
	case '\0':
		return QUICK_NUL;
	case '@':
		return QUICK_AT;
	case ':':
		return QUICK_COLON;
	case '/':
	case '\\':
		return QUICK_SLASH;
	case '-':
		return QUICK_DASH;
	case '.':
		return QUICK_DOT;
	case '=':
		return QUICK_EQUALS;
	default:
		return c >= 0x80 ? QUICK_OTHER : 0;
	}
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* Letters in a row, in any case. */
static uint32_t pair_of(unsigned char a, unsigned char b)
{
	unsigned char y = lower(b);

	switch (lower(a)) {
	case 'p':
		return y == 'a' || y == 'r' ? QUICK_WORD : 0; /* passw, private */
	case 's':
		return y == 'e' ? QUICK_WORD : 0; /* secret */
	case 'a':
		return y == 'p' || y == 'u' ? QUICK_WORD : 0; /* api, auth */
	case 'c':
		return y == 'r' ? QUICK_WORD : 0; /* credentials */
	case 'm':
		return y == 'y' ? QUICK_WORD : 0; /* mysql_pwd */
	case 'o':
		return y == 't' ? QUICK_WORD : 0; /* otp */
	case 't':
		return y == 'o' ? QUICK_TOKEN : y == 'w' ? QUICK_WORD : 0;
	case 'b':
		return y == 'e' ? QUICK_BEARER : 0;
	case '-':
		return b == '-' ? QUICK_DASHES : 0;
	case '/':
		return b == '/' ? QUICK_SLASHES : 0;
	default:
		return 0;
	}
}

static bool is_capital(unsigned char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

void quick_look(struct str s, struct quick *q)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t has = 0;
	uint32_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = p[i];

		if (is_digit(c)) {
			digits += digits < UINT32_MAX;
			if (i >= 2 && is_capital(p[i - 1]) && is_capital(p[i - 2]))
				has |= QUICK_CAPITALS;
			continue;
		}
		has |= bit_of(c);
		if (i + 1 < s.n)
			has |= pair_of(c, p[i + 1]);
	}
	*q = (struct quick){has, digits, s.n};
}

bool quick_is_plain(const struct quick *q)
{
	return (q->has & QUICK_NUL) == 0;
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
		return q->n >= 15 && (with(q, QUICK_CAPITALS) || (q->has & QUICK_OTHER) != 0);
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
	case PAT_ANYTHING:
	case PAT_CUSTOM:
		break;
	}
	return true;
}
