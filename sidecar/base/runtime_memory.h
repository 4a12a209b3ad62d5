#ifndef NSBOX_BASE_RUNTIME_MEMORY_H
#define NSBOX_BASE_RUNTIME_MEMORY_H

/*
 * The child that holds the memory of the JavaScript runtime that was executed before us, and frees it
 * (src/launch/native/entry.c). It is the only child of nsbox without an exit signal, and takes half a millisecond to
 * end. Most ways to start us have no such child. Both functions leave errno alone.
 */

/* Reaps it, if it has ended. */
void runtime_memory_look(void);
/* Waits until it has ended; a second at most, since our caller may have left us a child without an exit signal too. */
void runtime_memory_wait(void);

#endif
