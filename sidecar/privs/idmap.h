/* Writes the id maps of a new user namespace, user_namespaces(7). */
#ifndef NSBOX_PRIVS_IDMAP_H
#define NSBOX_PRIVS_IDMAP_H

#include "plan/contract.h"

/* In the new process: write its own maps, or have the other end of LINK write them. */
void idmap_get(const struct idmap *map, int link);
/*
 * In the process that made the new one. PROCESS is the directory of the new process in /proc, and NUMBER its name
 * there. The new process found both itself, since /proc may belong to another pid namespace, where its number is
 * another process.
 */
void idmap_write_for(const struct idmap *map, int process, int number);

#endif
