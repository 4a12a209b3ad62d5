/* The threads that are traced, each with the call that it is in. */
#ifndef NSBOX_TRACE_TASK_H
#define NSBOX_TRACE_TASK_H

#include <stdbool.h>
#include <sys/types.h>

#include "trace/tracee.h"

struct task {
	pid_t pid;
	/* The call that it is in, while there is one: `open` for a descriptor that shows where the path really leads. */
	bool in_call, opens, follow;
	/* The kinds of records that it makes when it succeeds, of record.h. */
	char kinds[3];
	char *path;
	struct task *next;
};

/* The task of this thread; a new one for a new thread. */
struct task *task_of(pid_t pid);

/* Ends the call that the thread is in. */
void task_leave_call(struct task *task);

void task_forget(pid_t pid);

#endif
