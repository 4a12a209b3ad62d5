/*
 * Programs that run outside of the box, on its behalf: those that the plan declares, from when the namespaces are there
 * until the box has ended, and those that run to their end, such as newuidmap.
 */
#ifndef NSBOX_PROCESS_HELPER_H
#define NSBOX_PROCESS_HELPER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/steps.h"
#include "plan/contract.h"
#include "process/box.h"

/* Runs PROGRAM to its end, without environment. False: its status was not 0. Fails by fail_hint() if it can't be run.
 */
bool helper_run(const char *program, char **argv);

/* Opens those of the plan that are parts of nsbox. Fails by fail_hint(), before there is a box. */
void helpers_open(const struct plan *plan);
/*
 * Starts the helpers of the plan that watch the box's mounts, or the others. They get the signal mask MASK. Those that
 * can't be executed count as failed.
 */
void helpers_start(const struct box *box, const sigset_t *mask, bool watchers);
/* The descriptor to poll: of the first helper that is not ready. -1: all are. */
int helpers_descriptor(void);
/* Reads it. */
void helpers_read(void);
/* Looks for those that have ended, after SIGCHLD. */
void helpers_look(void);
/* A helper that was not ready, or that has ended and ends the box, with what has happened; or NULL. */
struct helper_failure {
	const char *what, *path /* its program, or what it reports */, *hint;
	int number; /* errno or 0 */
	enum step step;
};
const struct helper_failure *helpers_failure(void);
/* The end of one of them can end the box. */
bool helpers_can_end_box(void);
/* Ends all of them. One that watches the box may have ended it already, and then there is a failure. */
void helpers_end(void);

#endif
