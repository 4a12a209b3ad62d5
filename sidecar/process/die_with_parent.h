/* Ends a process of the box together with its supervisor: the parent death signal, and the parent's pidfd. */
#ifndef NSBOX_PROCESS_DIE_WITH_PARENT_H
#define NSBOX_PROCESS_DIE_WITH_PARENT_H

/* Ends us from now on when the supervisor ends. LINK is the socket to it: if it is dead already, we end at once. */
void die_with_parent(int link);
/* Sets the parent death signal again, which the kernel clears when ids change, prctl(2). */
void die_with_parent_again(void);
/*
 * In the supervisor: the pidfd of our parent, or -1. Unlike the parent death signal it doesn't depend on the thread
 * that started us.
 */
int die_with_parent_watch(void);

#endif
