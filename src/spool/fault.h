/* fault.h - named points at which a test can have the process killed.
 *
 * Only builds with PICKET_FAULTS have them: PICKET_FAULT_KILL="point:n" kills
 * the process when the point is passed for the n-th time.
 *
 * Owns     nothing.
 * Threads  the writer thread.
 */
#ifndef PICKET_SPOOL_FAULT_H
#define PICKET_SPOOL_FAULT_H

#ifdef PICKET_FAULTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif

#endif
