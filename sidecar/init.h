/* Process 1 of the box. */
#ifndef NSBOX_INIT_H
#define NSBOX_INIT_H

#include <signal.h>

#include "contract.h"

/* Signal values that mark what the supervisor passes on: to the command, or to its process group. */
enum { FORWARDED = 0x6e736278, FORWARDED_TO_GROUP };

/* The set-up is done, all signals are blocked: start the command, reap, pass signals on, end with its status. */
_Noreturn void init_run(const struct process *process, char *const *extra, const sigset_t *mask, int link);

#endif
