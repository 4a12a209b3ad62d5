/* Signals from outside to the command of a box. */
#ifndef NSBOX_PROCESS_SIGNALS_H
#define NSBOX_PROCESS_SIGNALS_H

#include <stdbool.h>

#include "process/box.h"

/* Give SIGNAL on to the command, or TO_GROUP, to its process group. */
void signals_pass(const struct box *box, int signal, bool to_group);
/* The command has got SIGNAL by itself, as a member of our process group. */
void signals_came(const struct box *box, int signal);
/* A command that blocks a signal is looked at again: how many milliseconds from now, or -1. */
int signals_wait_time(void);
void signals_look_again(const struct box *box);
/* The signal for which the command was killed in the kernel's place, or 0. */
int signals_killed_for(void);

#endif
