/* Process 1 of the box. */
#ifndef NSBOX_PROCESS_INIT_H
#define NSBOX_PROCESS_INIT_H

#include <signal.h>

#include "plan/contract.h"

/*
 * Call it after the set-up, with all signals blocked: starts the command, reaps, passes signals on, ends with its
 * status.
 */
_Noreturn void init_run(const struct process *process, char *const *extra, const sigset_t *mask, int link);

#endif
