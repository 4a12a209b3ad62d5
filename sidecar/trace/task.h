/* The threads that are traced, each with the call that it is in. */
#ifndef NSBOX_TRACE_TASK_H
#define NSBOX_TRACE_TASK_H

#include <stdbool.h>
#include <sys/types.h>

#include "trace/refusal.h"
#include "trace/tracee.h"

struct task {
	pid_t pid;
	/* The call that it is in, while there is one: `open` for a descriptor that shows where the path really leads. */
	bool in_call, opens, follow, writes;
	/* The kinds of records that it makes when it succeeds, of record.h. */
	char kinds[4];
	char *path;
	/* For refusals: the call that it is in, and whether they are reported. */
	struct started_call call;
	bool reports;
	/* The signal that has stopped it, until it is continued; or 0. */
	int stopped;
	struct task *next;
};

/* The task of this thread; a new one for a new thread. */
struct task *task_of(pid_t pid);

/* Ends the call that the thread is in. */
void task_leave_call(struct task *task);

void task_forget(pid_t pid);

/* Notes that the thread has been stopped by the signal, or with 0 that it runs. */
void task_set_stopped(struct task *task, int signal);

/* Whether there are threads, and all of them are stopped. */
bool task_all_stopped(void);

/* Continues all that are stopped, as the kernel does where no shell is left to do it: setpgid(2), orphaned groups. */
void task_wake_all(void);

#endif
