/* The supervisor, which stays outside: it waits, passes signals on, reports, and ends with the command's status. */
#ifndef NSBOX_PROCESS_SUPERVISE_H
#define NSBOX_PROCESS_SUPERVISE_H

#include "process/box.h"

/* Call it before there is a box: after the fork, each first write to a page costs a copy. */
void supervise_set_up(struct box *box);
/*
 * Receives the new process's own directory in /proc, and its number there. -1: it has ended, and supervise() reports
 * how.
 */
int supervise_await_process(const struct box *box, int *number);
_Noreturn void supervise(const struct box *box);

#endif
