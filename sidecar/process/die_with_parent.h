/* What ties a process of the box to its supervisor: whoever kills that one kills it too. */
#ifndef NSBOX_PROCESS_DIE_WITH_PARENT_H
#define NSBOX_PROCESS_DIE_WITH_PARENT_H

/* From now on; LINK is the socket to the supervisor, which may be dead already: then we end. */
void die_with_parent(int link);
/* The same once more, after a change of ids: the kernel forgets the parent death signal then, prctl(2). */
void die_with_parent_again(void);
/*
 * The supervisor to whoever started it: the pidfd of our parent, which is told of its end whatever thread of it has
 * started us; or -1.
 */
int die_with_parent_watch(void);

#endif
