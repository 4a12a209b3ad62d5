/* Writes the id maps of a new user namespace, user_namespaces(7). */
#ifndef NSBOX_PRIVS_IDMAP_H
#define NSBOX_PRIVS_IDMAP_H

#include "plan/contract.h"

/* In the new process: write its own maps, or have the other end of LINK write them. */
void idmap_get(const struct idmap *map, int link);
/*
 * In the process that made it. PROCESS is the directory of the new process in /proc, and NUMBER its name there: as the
 * new process itself has found them, since its number among our children may mean a stranger in /proc.
 */
void idmap_write_for(const struct idmap *map, int process, int number);

#endif
