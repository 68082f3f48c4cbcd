/* divide.h - an envelope that is too much for one becomes several (protocol.md
 * 11.4).
 *
 * Every piece keeps within the table of 9.3. What belongs together stays so: an
 * event, the attachments that create it and its profile; the parts of a replay; as
 * far as there is room, other attachments with their event and those of spans with
 * their container. The order of items is kept within a piece, and among items of
 * one group over all pieces.
 *
 * Owns     nothing: pieces live in the arena of the envelope and borrow from it.
 * Threads  as its envelope.
 * Fails    E_TOOBIG  no dividing cures it (envelope_check_limits says the same,
 *                    and why), or it would be more than DIVIDE_PIECES_MAX
 *          E_NOMEM
 */
#ifndef PICKET_ENVELOPE_DIVIDE_H
#define PICKET_ENVELOPE_DIVIDE_H

#include "envelope/envelope.h"

/* Of what a client sends at once, more than anybody means to. */
#define DIVIDE_PIECES_MAX 1000u

/* Of an envelope that was identified and measured. *pieces is e itself, and *n 1,
 * when there is nothing to divide. Else an array of shallow envelopes, to be used
 * in order and never freed: items, held and event_id are their own, the header is
 * e's but where event_id differs, and the first has e->invalid. */
int envelope_divide(struct envelope *e, const struct item_limits *l, struct envelope **pieces,
	size_t *n, struct err *err);

#endif
