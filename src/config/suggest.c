#include "config/suggest.h"

#include <ctype.h>

#define NAME_MAX_BYTES 64u

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment, three rows at a time. */
size_t edit_distance(struct str a, struct str b)
{
	size_t rows[3][NAME_MAX_BYTES + 1];

	if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *row = rows[i % 3];
		const size_t *up = rows[(i + 2) % 3];
		const size_t *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t cost = same(a.p[i - 1], b.p[j - 1]) ? 0 : 1;

			row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + cost);
			if (i > 1 && j > 1 && same(a.p[i - 1], b.p[j - 2]) &&
				same(a.p[i - 2], b.p[j - 1]) && up2[j - 2] + 1 < row[j])
				row[j] = up2[j - 2] + 1;
		}
	}
	return rows[a.n % 3][b.n];
}

void suggest_init(struct suggest *s, struct str word)
{
	s->word = word;
	s->best = NULL;
	s->distance = SIZE_MAX;
}

void suggest_try(struct suggest *s, const char *name)
{
	size_t d = edit_distance(s->word, str_of(name));

	/* A third of the letters may be wrong; more is another word. */
	if (d <= (s->word.n + 2) / 3 && d < s->distance) {
		s->best = name;
		s->distance = d;
	}
}
