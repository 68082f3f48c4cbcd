/* check.h - guards for what only a bug can break.
 *
 * A failed check prints where it stood and aborts; it stays on in release
 * builds. Input never reaches a check.
 */
#ifndef PICKET_BASE_CHECK_H
#define PICKET_BASE_CHECK_H

#define check(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

_Noreturn void check_failed(const char *what, const char *file, int line);

#endif
