/* Who the command is, and what it may. */
#ifndef NSBOX_PRIVS_H
#define NSBOX_PRIVS_H

#include "contract.h"

/* Ids, groups, capabilities and no_new_privs, in that order: each takes away what the one before needs. */
void privs_drop(const struct process *process);

#endif
