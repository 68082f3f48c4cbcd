/* memory.h - giving memory back to the system after busy times.
 *
 * Owns     nothing.
 * Threads  any; each gives back what is its own.
 */
#ifndef PICKET_BASE_MEMORY_H
#define PICKET_BASE_MEMORY_H

#include <stddef.h>

/* So much free memory at the end of a heap stays while the daemon is busy: growing
 * and shrinking it over and over costs system calls. */
void memory_init(void);

/* Until memory_rest_end() freeing gives back what is free at the end of a heap,
 * also of those that malloc_trim() leaves alone. */
void memory_rest(void);
void memory_rest_end(void);

/* The C library keeps a few freed pieces of each small size for the thread that
 * freed them. After a burst they lie all over the heap and hold its pages, up to
 * some 200 KiB for each thread. This gives those of the calling thread back, for
 * malloc_trim() to find. Takes less than a millisecond. */
void memory_drop_cached(void);

/* Code that was mapped from files stays mapped for as long as a process lives,
 * with 16 pages for each that was run once. This takes it out of the process's
 * memory; it stays in the page cache, where the system may take it when memory is
 * short, and comes back page by page when it is run. Code that somebody changed
 * (breakpoints, probes) is left alone. Returns the bytes of the mappings. Some
 * milliseconds, and reads a file: not for the loop. */
size_t memory_drop_code(void);

#endif
