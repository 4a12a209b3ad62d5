/* Who the command is, and what it may. */
#ifndef NSBOX_PRIVS_PRIVILEGES_H
#define NSBOX_PRIVS_PRIVILEGES_H

#include "plan/contract.h"

/* Whatever the plan says, the command does not get these. */
void privileges_forbid(uint64_t capabilities);
/* What no execve can bring back. A process that is started after it need not do it again. */
void privileges_bound(const struct process *process);
/*
 * Ids, groups, capabilities and no_new_privs, in that order: each takes away what the one before needs. The
 * capabilities UNTIL_EXEC stay until the next execve, which clears what is neither inheritable nor ambient nor in the
 * bounding set.
 */
void privileges_drop(const struct process *process, uint64_t until_exec);

#endif
