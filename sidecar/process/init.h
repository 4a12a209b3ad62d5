/* Process 1 of the box. */
#ifndef NSBOX_PROCESS_INIT_H
#define NSBOX_PROCESS_INIT_H

#include <signal.h>

#include "plan/contract.h"

/*
 * The supervisor passes a signal on as the value of SIGRTMAX, which is queued even if one is pending already. FORWARDED
 * marks such a value, whose low bits are the signal.
 */
enum { FORWARDED_BY = 64, FORWARDED = 0x6e736200, FORWARDED_TO_GROUP = 0x80, FORWARDED_SIGNAL = 0x7f };

/*
 * Call it after the set-up, with all signals blocked: starts the command, reaps, passes signals on, ends with its
 * status.
 */
_Noreturn void init_run(const struct process *process, char *const *extra, const sigset_t *mask, int link);

#endif
