/*
 * A box waits when all is set up, before its command is executed: for helpers that are ready, and then for a gate, a
 * descriptor of the caller's on which one byte lets the box go on.
 */
#ifndef NSBOX_PROCESS_RELEASE_H
#define NSBOX_PROCESS_RELEASE_H

#include <signal.h>
#include <stdbool.h>

#include "plan/contract.h"
#include "process/box.h"

bool release_is_needed(const struct plan *plan);

/*
 * In the box: all is set up. Returns when the supervisor lets it go on; ends the process, as a failure does, if it does
 * not.
 */
void release_await(int channel);

/* In the supervisor, when the namespaces are there: starts the helpers. */
void release_start(const struct plan *plan, const struct box *box, const sigset_t *mask);
/* The box has said that all is set up. */
void release_box_is_ready(const struct box *box);
/* A descriptor to poll, or -1. */
int release_descriptor(void);
/* Reads it. */
void release_read(const struct box *box);
/* Looks for helpers that have ended, after SIGCHLD. */
void release_look(const struct box *box);
/*
 * A signal that ends the box where it waits, which no command is there to get. False: the command, or its init, gets
 * it.
 */
bool release_take_signal(const struct box *box, int signal);
/* The signal of release_take_signal for which the box ended, or 0. */
int release_signal(void);
/* Ends the helpers with the box. A message about what went wrong is on FD; true: that is why the box has ended. */
bool release_end(int fd);

#endif
