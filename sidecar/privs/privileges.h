/* The command's ids, groups and capabilities. */
#ifndef NSBOX_PRIVS_PRIVILEGES_H
#define NSBOX_PRIVS_PRIVILEGES_H

#include "plan/contract.h"

/* Takes CAPABILITIES from the command, even if the plan grants them. */
void privileges_forbid(uint64_t capabilities);
/* Reduces the bounding set, so that no execve brings a capability back. Processes that are started later inherit it. */
void privileges_bound(const struct process *process);
/*
 * Ids, groups, capabilities and no_new_privs, in that order: each takes away what the one before needs. The
 * capabilities UNTIL_EXEC stay until the next execve, which clears what is neither inheritable nor ambient nor in the
 * bounding set.
 */
void privileges_drop(const struct process *process, uint64_t until_exec);

#endif
