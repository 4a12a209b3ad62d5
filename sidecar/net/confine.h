/*
 * What our processes can't do any more once they work: they take bytes from the box and from the network, and an
 * attacker who takes one over finds no file, no other process and no program.
 */
#ifndef NSBOX_NET_CONFINE_H
#define NSBOX_NET_CONFINE_H

#include "net/filter.h"

enum { NOBODY = 65534 /* number of the user and of the group */ };

/* Takes a privileged process's user and groups. In a user namespace there may be no such user: it then keeps its own.
 */
void confine_become_nobody(void);

/* As root it becomes nobody. Ends with PARENT, the process number of its parent. Fails by fail(). */
void confine(enum confine_task task, int parent);

#endif
