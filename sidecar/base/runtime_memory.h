#ifndef PREDECESSOR_H
#define PREDECESSOR_H

/*
 * A process that gives back the memory of the program that we were before we were executed (src/launch/native/entry.c). It is the one
 * child that nsbox makes without an exit signal, and takes half a millisecond to end. Most ways to start us have none.
 */

/* Waited for, if it has ended. Both leave errno alone. */
void runtime_memory_look(void);
/* Until it has ended; a second at most, since the caller may have left us a child like it. */
void runtime_memory_wait(void);

#endif
