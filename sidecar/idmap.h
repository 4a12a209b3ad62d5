/* Id maps of a new user namespace, user_namespaces(7). */
#ifndef NSBOX_IDMAP_H
#define NSBOX_IDMAP_H

#include "contract.h"

/* In the new process: its own ids, where it may write them itself. */
void idmap_write_own(const struct idmap *map);
/* In the process that made it, for PID, where that is needed. */
void idmap_write_for(const struct idmap *map, int pid);

#endif
