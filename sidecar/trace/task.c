#include "trace/task.h"

#include <stdlib.h>
#include <unistd.h>

enum { BUCKETS = 1024 };
static struct task *buckets[BUCKETS];

static struct task **place_of(pid_t pid)
{
	struct task **at = &buckets[(unsigned)pid % BUCKETS];
	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	return at;
}

struct task *task_of(pid_t pid)
{
	struct task **at = place_of(pid);
	if (!*at) {
		*at = calloc(1, sizeof **at);
		if (!*at)
			_exit(125);
		(*at)->pid = pid;
	}
	return *at;
}

void task_leave_call(struct task *task)
{
	free(task->path);
	task->path = NULL;
	task->in_call = false;
}

void task_forget(pid_t pid)
{
	struct task **at = place_of(pid), *task = *at;
	if (!task)
		return;
	*at = task->next;
	free(task->path);
	free(task);
}
