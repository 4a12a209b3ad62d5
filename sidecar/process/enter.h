/* Enters a running box: joins the namespaces of one of its processes, instead of making new ones. */
#ifndef NSBOX_PROCESS_ENTER_H
#define NSBOX_PROCESS_ENTER_H

#include "plan/contract.h"

/* Opens the namespaces PLAN_NAMESPACES_* of that process. Fails by fail(). */
void enter_open(const struct enter *enter, unsigned namespaces);
/* As fork(2), but the child is in the box's user and pid namespaces. */
int enter_spawn(void);
/* In the child: joins the other namespaces. Root and working directory are the box's then. */
void enter_join(void);

#endif
