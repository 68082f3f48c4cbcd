/* part.h - takes items out of a stored envelope: limited ones, or one half.
 *
 * Owns     nothing.
 * Threads  worker.
 */
#ifndef PICKET_FORWARD_PART_H
#define PICKET_FORWARD_PART_H

#include "envelope/record.h"
#include "forward/build.h"

/* s->plain holds the items in the clear, and afterwards what is left of them
 * when *is_edited. b->result tells when nothing is to be sent; b->facts is
 * filled in. */
int part_take(const struct record *r, enum build_part part, uint64_t limits, bool hold,
	struct build_scratch *s, struct built *b, bool *is_edited, struct err *err);

#endif
