/* Process 1 of the box. */
#ifndef NSBOX_INIT_H
#define NSBOX_INIT_H

#include "contract.h"

/* Signal value that marks what the supervisor passes on. */
enum { FORWARDED = 0x6e736278 };

/* The set-up is done, all signals are blocked: start the command, reap, pass signals on, end with its status. */
_Noreturn void init_run(const struct process *process, char *const *extra, const sigset_t *mask, int link);

#endif
