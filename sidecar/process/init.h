/* Process 1 of the box. */
#ifndef NSBOX_PROCESS_INIT_H
#define NSBOX_PROCESS_INIT_H

#include <signal.h>

#include "plan/contract.h"

/*
 * What the supervisor passes on comes as the value of a signal of its own, SIGRTMAX: that one is queued also where the
 * same signal is pending already. FORWARDED marks it; the signal is in the low bits.
 */
enum { FORWARDED_BY = 64, FORWARDED = 0x6e736200, FORWARDED_TO_GROUP = 0x80, FORWARDED_SIGNAL = 0x7f };

/* The set-up is done, all signals are blocked: start the command, reap, pass signals on, end with its status. */
_Noreturn void init_run(const struct process *process, char *const *extra, const sigset_t *mask, int link);

#endif
