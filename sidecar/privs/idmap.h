/* Writes the id maps of a new user namespace, user_namespaces(7). */
#ifndef NSBOX_PRIVS_IDMAP_H
#define NSBOX_PRIVS_IDMAP_H

#include "plan/contract.h"

/* Runs newuidmap or newgidmap to its end, process/helper.h. False: its status was not 0. */
typedef bool idmap_run(const char *program, char **argv);

/* In the new process: write its own maps, or have the other end of LINK write them. */
void idmap_get(const struct idmap *map, int link);
/*
 * In the process that made the new one. PROCESS is the directory of the new process in /proc, and NUMBER its name
 * there. The new process found both itself, since /proc may belong to another pid namespace, where its number is
 * another process.
 */
void idmap_write_for(const struct idmap *map, int process, int number, idmap_run *run);

#endif
