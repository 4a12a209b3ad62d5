/* A command in a box that runs already: the namespaces of one of its processes, joined instead of made. */
#ifndef NSBOX_PROCESS_ENTER_H
#define NSBOX_PROCESS_ENTER_H

#include "plan/contract.h"

/* Hold the namespaces PLAN_NAMESPACES_* of that process. Fails by fail(). */
void enter_hold(const struct enter *enter, unsigned namespaces);
/* As fork(2); the child is in the user and pid namespaces of the box. */
int enter_spawn(void);
/* In the child: join the others. The root and working directory are then the box's. */
void enter_join(void);

#endif
