#include "trace/task.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUCKETS = 1024 };
static struct task *buckets[BUCKETS];
static unsigned count, stopped_count;

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
		count++;
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
	task_set_stopped(task, 0);
	count--;
	*at = task->next;
	free(task->path);
	free(task);
}

void task_set_stopped(struct task *task, int signal)
{
	stopped_count += (unsigned)(signal != 0) - (unsigned)(task->stopped != 0);
	task->stopped = signal;
}

bool task_all_stopped(void) { return count > 0 && stopped_count == count; }

void task_wake_all(void)
{
	/* A command that ignores SIGHUP and still reads a terminal of others would stop again and again. */
	enum { PATIENCE = 100 };
	static unsigned hangups;
	for (int i = 0; i < BUCKETS; i++)
		for (struct task *task = buckets[i]; task; task = task->next) {
			if (task->stopped == SIGTTIN || task->stopped == SIGTTOU)
				kill(task->pid, hangups++ < PATIENCE ? SIGHUP : SIGKILL);
			kill(task->pid, SIGCONT);
		}
}
