/* digest.h - SHA-256 (FIPS 180-4) and HMAC (RFC 2104), for the action "hash".
 *
 * Owns     nothing.
 * Threads  any.
 */
#ifndef PICKET_RULES_DIGEST_H
#define PICKET_RULES_DIGEST_H

#include "base/str.h"

#define DIGEST_BYTES     32u
#define DIGEST_HEX_BYTES 65u /* and a NUL */

/* Keyed when key is not empty. */
void digest_hex(struct str key, struct str text, char out[DIGEST_HEX_BYTES]);

#endif
