/* keymap.h - byte strings numbered in the order they first appear, for the files
 * of this room.
 *
 * Room is made first, so that adding cannot fail half-way.
 *
 * Owns     copies of the keys.
 * Threads  one at a time.
 */
#ifndef PICKET_ENVELOPE_KEYMAP_H
#define PICKET_ENVELOPE_KEYMAP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/siphash.h"

struct keymap {
	struct keymap_key *keys;
	size_t n, cap;
	uint32_t *slots; /* 1 + number; 0 is free. Open addressing */
	size_t slot_count;
	struct siphash_key seed; /* or a client could choose keys that collide */
	struct buf bytes;
};

#define KEYMAP_NONE SIZE_MAX

void keymap_init(struct keymap *m, const struct siphash_key *seed);
void keymap_fini(struct keymap *m);
/* Forgets the keys, keeps the memory. */
void keymap_clear(struct keymap *m);

/* Room for so many keys more, of so many bytes together. E_OK or E_NOMEM. */
int keymap_reserve(struct keymap *m, size_t keys, size_t bytes);
/* The number of a key; of a new one after keymap_reserve(). */
size_t keymap_find(const struct keymap *m, struct str key);
size_t keymap_number(struct keymap *m, struct str key);

/* Room for n elements of some size more in an array of *cap. */
int array_reserve(void **array, size_t *cap, size_t used, size_t more, size_t size);
/* Room for n bytes more; a refusal leaves the buffer usable. */
int text_reserve(struct buf *b, size_t n);

#endif
