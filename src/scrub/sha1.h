/* sha1.h - HMAC-SHA1, the hash of the redaction method "hash" (pii.md 5.1).
 *
 * SHA-1 is what the receiving side expects, not what anyone would choose
 * today: the digest stands for a value, it protects nothing by itself.
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_SCRUB_SHA1_H
#define PICKET_SCRUB_SHA1_H

#include <stdint.h>

#include "base/str.h"

#define SHA1_BYTES 20
#define SHA1_HEX   (2 * SHA1_BYTES)

void sha1_digest(struct str data, uint8_t out[SHA1_BYTES]);
/* An empty key is fine and is what the plain redaction uses. */
void sha1_hmac(struct str key, struct str data, uint8_t out[SHA1_BYTES]);
/* Capital hexadecimal digits, not terminated. */
void sha1_hmac_hex(struct str key, struct str data, char out[SHA1_HEX]);

#endif
