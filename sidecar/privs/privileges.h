/* The command's ids, groups and capabilities. */
#ifndef NSBOX_PRIVS_PRIVILEGES_H
#define NSBOX_PRIVS_PRIVILEGES_H

#include "plan/contract.h"

/* Takes CAPABILITIES from the command, even if the plan grants them. */
void privileges_forbid(uint64_t capabilities);
/* Reduces the bounding set, so that no execve brings a capability back. Processes that are started later inherit it. */
void privileges_bound(const struct process *process);
/* Reduces our capabilities to CAPABILITIES, which the next execve leaves us. */
void privileges_pass_on(uint64_t capabilities);
/* Sets no_new_privs now; processes that are started later inherit it. */
void privileges_share_no_new(void);
/*
 * Sets groups, ids, capabilities and no_new_privs, in that order: each step takes away what the one before needs. The
 * capabilities UNTIL_EXEC stay until the next execve, which clears those that aren't inheritable, ambient or in the
 * bounding set.
 */
void privileges_drop(const struct process *process, uint64_t until_exec);

#endif
