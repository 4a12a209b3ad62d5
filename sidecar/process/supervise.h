/* The process that stays outside: it waits, passes signals on, reports, and ends with the command's status. */
#ifndef NSBOX_PROCESS_SUPERVISE_H
#define NSBOX_PROCESS_SUPERVISE_H

#include "process/box.h"

/* Before there is a box: what is written to memory later, the fork has made more expensive. */
void supervise_set_up(struct box *box);
/*
 * The new process's own directory in /proc, and its number there, as it tells them; -1: it has ended, and supervise()
 * tells how.
 */
int supervise_await_process(const struct box *box, int *number);
_Noreturn void supervise(const struct box *box);

#endif
