/*
 * The clock of a box, and the watch over who started it, in a process of its own: the supervisor is a job of the
 * caller's shell, which stops with its command, and before Linux 6.12 a box can stop it by its process group.
 */
#ifndef NSBOX_PROCESS_WATCHDOG_H
#define NSBOX_PROCESS_WATCHDOG_H

#include <stdbool.h>

#include "process/box.h"

/* Whether this box needs one. */
bool watchdog_is_wanted(const struct box *box);
/* Before there is a box, where one is wanted. */
void watchdog_set_up(void);
/* Before we enter a pid namespace for our children. Fails by fail(). */
void watchdog_start(const struct box *box);
/* As soon as there is a box, which waits for it. */
void watchdog_watch(const struct box *box);
/* After SIGCHLD: one that somebody has killed is replaced. */
void watchdog_look(const struct box *box);
/* Before the box's first process is waited for, since that gives its number to others. */
void watchdog_end(void);
/* The watchdog is ending the box, or has ended it; because it ran out of time. */
bool watchdog_has_acted(void);
bool watchdog_has_timed_out(void);

#endif
