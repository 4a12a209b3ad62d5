/* The sidecar's malloc(3). */
#ifndef NSBOX_LIBC_HEAP_H
#define NSBOX_LIBC_HEAP_H

/*
 * Overwrites everything that was ever allocated, so that no secret outlives its use. No piece can be used after that.
 */
void heap_forget(void);

#endif
