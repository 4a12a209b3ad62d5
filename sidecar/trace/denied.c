#include "trace/denied.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "trace/tally.h"
#include "trace/task.h"
#include "trace/tracer.h"

enum { READY = 3, BOX = 4, EVENTS = 5 };

/* The box's first process: its init, or the command itself. */
static pid_t first;
/* Some program has been executed: what ran before was nsbox's own code. */
static bool started;

/* The number that the process has here: the sidecar has made sure that this /proc is ours. */
static pid_t box_number(void)
{
	char text[32] = "";
	int stat = openat(BOX, "stat", O_RDONLY | O_CLOEXEC), number = 0;
	if (stat < 0 || read(stat, text, sizeof text - 1) <= 0 || sscanf(text, "%d", &number) != 1)
		fail("find the box's first process", NULL);
	close(stat);
	return number;
}

/*
 * Keeps only the capabilities that tracing takes. The owner of the box's user namespace has them there without being
 * given any here.
 */
static void drop_privileges(void)
{
	const uint32_t needed = 1u << CAP_SYS_PTRACE | 1u << CAP_DAC_READ_SEARCH;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
	if (syscall(SYS_capget, &header, sets) < 0)
		fail("read capabilities", NULL);
	const uint32_t kept = sets[0].permitted & needed;
	memset(sets, 0, sizeof sets);
	sets[0].permitted = sets[0].effective = kept;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, sets) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("drop capabilities", NULL);
}

/* Nobody who reads the end of the command's output should have to wait for us. */
static void let_go(bool has_events)
{
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			fail("release standard descriptors", NULL);
	close(null);
	close(BOX);
	descriptor_close_range(has_events ? EVENTS + 1 : EVENTS, INT_MAX);
}

static void begin_call(struct task *task, const struct __ptrace_syscall_info *info)
{
	task->in_call = true;
	task->call = (struct started_call){.machine = info->arch, .number = info->entry.nr};
	for (int i = 0; i < 6; i++)
		task->call.args[i] = info->entry.args[i];
}

static void denied_call(struct task *task)
{
	struct __ptrace_syscall_info info;
	if (!tracer_call(task->pid, &info))
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		begin_call(task, &info);
		return;
	}
	if (task->in_call && info.op == PTRACE_SYSCALL_INFO_EXIT)
		refusal_look(task->pid, &task->call, info.exit.rval);
	task->in_call = false;
}

/* A thread that executes a program takes the place of its process's first one, and the others are gone. */
static void denied_exec(struct task *task)
{
	pid_t before = (pid_t)tracer_message(task->pid);
	if (before != task->pid)
		task_forget(before);
	task->in_call = false;
	task->reports = started = true;
}

static void denied_stop(pid_t pid, int status)
{
	struct task *task = task_of(pid);
	long signal = 0;
	int request = PTRACE_SYSCALL;
	switch (tracer_stop(status)) {
	case STOP_EXEC: denied_exec(task); break;
	case STOP_CALL: denied_call(task); break;
	case STOP_GROUP: request = PTRACE_LISTEN; break;
	case STOP_SIGNAL: signal = WSTOPSIG(status); break;
	case STOP_SECCOMP:
	case STOP_OTHER: task->reports |= started && pid != first; break;
	}
	/* What nsbox itself does in the box is no attempt of the command's. */
	tracer_go_on(pid, task->reports || request == PTRACE_LISTEN ? request : PTRACE_CONT, signal);
}

static void denied_end(pid_t pid, int status)
{
	const struct task *task = task_of(pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS && task->in_call)
		refusal_report_killed(&task->call);
	task_forget(pid);
}

/* Until nothing of the box is left. */
static void denied_follow(void)
{
	for (int status;;) {
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return;
		if (WIFSTOPPED(status))
			denied_stop(pid, status);
		else
			denied_end(pid, status);
	}
}

static void trace_box(void)
{
	struct __ptrace_syscall_info info;
	first = box_number();
	if (!tracer_seize(first))
		fail_hint("trace the box (ptrace)", NULL,
			"another program may trace it already, or this system forbids it (kernel.yama.ptrace_scope)");
	/* EIO: it isn't stopped in a call now, and an older kernel doesn't know the request. */
	errno = 0;
	if (!tracer_call(first, &info))
		fail_plain("the kernel can't say what a call was, which Linux 5.3 and later can", NULL);
}

_Noreturn void denied_run(void)
{
	int signal;
	sigset_t end;
	report_step(STEP_TRACE);
	bool has_events = fcntl(EVENTS, F_GETFD) >= 0;
	/* Nobody here reads what we may know of the box. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	sigfillset(&end);
	sigprocmask(SIG_SETMASK, &end, NULL);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	tally_set_up(has_events ? EVENTS : -1);
	trace_box();
	drop_privileges();
	let_go(has_events);
	if (write(READY, "", 1) != 1)
		report_give_up(STATUS_FAILED);
	close(READY);
	denied_follow();
	tally_finish();
	sigwait(&end, &signal);
	_exit(0);
}
