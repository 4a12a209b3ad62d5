/*
 * The watchdog, a process that ends the box at its deadline, or when the parent of nsbox ends. The supervisor can't do
 * that: it is a job of the caller's shell and stops with its command, and before Linux 6.12 a box can stop it by its
 * process group.
 */
#ifndef NSBOX_PROCESS_WATCHDOG_H
#define NSBOX_PROCESS_WATCHDOG_H

#include <stdbool.h>

#include "process/box.h"

/* Whether this box needs one. */
bool watchdog_is_wanted(const struct box *box);
/* Call it before there is a box that needs a watchdog. */
void watchdog_set_up(void);
/* Starts the watchdog. Call it before we enter a pid namespace for our children. Fails by fail(). */
void watchdog_start(const struct box *box);
/* Has it watch BOX. Call it as soon as there is a box, which waits for that. */
void watchdog_watch(const struct box *box);
/* After SIGCHLD: replaces a watchdog that was killed. */
void watchdog_look(const struct box *box);
/* Ends it. Call it before the box's first process is reaped, since another process may get its number then. */
void watchdog_end(void);
/* Whether the watchdog is ending the box, or has ended it; and whether the reason is the deadline. */
bool watchdog_has_acted(void);
bool watchdog_has_timed_out(void);

#endif
