/* Who the command is, and what it may. */
#ifndef NSBOX_PRIVS_H
#define NSBOX_PRIVS_H

#include "plan/contract.h"

/* Nobody in this box gets cap_sys_chroot, whatever the plan says. */
void privileges_forbid_chroot(void);
/* What no execve can bring back. A process that is started after it need not do it again. */
void privileges_bound(const struct process *process);
/* Ids, groups, capabilities and no_new_privs, in that order: each takes away what the one before needs. */
void privileges_drop(const struct process *process);

#endif
