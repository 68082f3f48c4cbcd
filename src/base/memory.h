/* memory.h - giving memory back to the system after busy times.
 *
 * Owns     nothing.
 * Threads  any; each gives back what is its own.
 */
#ifndef PICKET_BASE_MEMORY_H
#define PICKET_BASE_MEMORY_H

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

#endif
