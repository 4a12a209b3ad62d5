/* Passes signals from outside on to the command of a box. */
#ifndef NSBOX_PROCESS_SIGNALS_H
#define NSBOX_PROCESS_SIGNALS_H

#include <stdbool.h>

#include "process/box.h"

/*
 * To an init, a signal is passed on as the value of SIGRTMAX, which is queued even if one is pending already. FORWARDED
 * marks such a value, whose low bits are the signal.
 */
enum { FORWARDED_BY = 64, FORWARDED = 0x6e736200, FORWARDED_TO_GROUP = 0x80, FORWARDED_SIGNAL = 0x7f };

/* Sends SIGNAL to the command, or TO_GROUP, to its process group. */
void signals_pass(const struct box *box, int signal, bool to_group);
/* Notes that the command got SIGNAL directly, as a member of our process group. */
void signals_came(const struct box *box, int signal);
/* Milliseconds until a command that blocks a signal is looked at again, or -1. */
int signals_wait_time(void);
void signals_look_again(const struct box *box);
/* Whether process PID handles SIGNAL. False where /proc doesn't say. */
bool signals_are_caught(int pid, int signal);
/* The signal for which we killed the command in the kernel's place, or 0. */
int signals_killed_for(void);

#endif
