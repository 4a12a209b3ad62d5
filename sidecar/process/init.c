#include "process/init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "process/exec.h"
#include "base/channel.h"
#include "fs/rollback.h"
#include "privs/privileges.h"
#include "base/report.h"
#include "fs/root.h"
#include "privs/seccomp.h"
#include "base/sys.h"
#include "process/die_with_parent.h"

enum { KEPT = 3, SAME_MOMENT_MS = 2000, MAX_ERRORS = 8, MAX_TRIES = 500, TRY_AGAIN_NS = 1000000, STACK = 128 << 10 };

static long milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/*
 * A signal for the whole process group (Ctrl-C, kill(-PGID)) reaches the command by itself, and reaches the supervisor too,
 * which cannot tell it from one that was for nsbox alone and passes it on. But it also reaches us: what comes to us by both
 * ways is dropped here. Of two pending signals the lower number is taken first, so the direct one is known by then; the time
 * is for signals to us alone, which nobody but a test sends.
 */
static void pass_on(const siginfo_t *info, int command, bool same_group)
{
	static long direct[_NSIG];
	int mark = info->si_code == SI_QUEUE && info->si_pid == 0 && info->si_signo == FORWARDED_BY ? info->si_value.sival_int : 0;
	if ((mark & ~FORWARDED_SIGNAL & ~FORWARDED_TO_GROUP) != FORWARDED) {
		direct[info->si_signo] = same_group ? milliseconds() : 0;
		return;
	}
	int signal = mark & FORWARDED_SIGNAL;
	if (mark & FORWARDED_TO_GROUP) {
		kill(-command, signal);
		return;
	}
	bool had = direct[signal] && milliseconds() - direct[signal] < SAME_MOMENT_MS;
	direct[signal] = 0;
	if (!had)
		kill(command, signal);
}

static void tell_ended(int link, int status)
{
	/* That it exited, our own status says. */
	if (WIFSIGNALED(status))
		channel_send(link, CHANNEL_ENDED, status);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* With the end of process 1 the kernel kills all that is left in the pid namespace. */
static void reap(int command, int link)
{
	int status, errors = 0;
	while (errors < MAX_ERRORS) {
		pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED);
		if (pid == 0 || (pid < 0 && errno == ECHILD))
			return;
		if (pid < 0)
			errors++;
		else if (pid == command && WIFSTOPPED(status))
			channel_send(link, CHANNEL_STOPPED, WSTOPSIG(status));
		else if (pid == command)
			tell_ended(link, status);
	}
	/* To wait for a SIGCHLD that has come already would be to wait for ever. */
	_exit(STATUS_FAILED);
}

/* No descriptor that somebody waits to see closed may stay open in here, be it a pipe of the caller's. */
static int keep_link_only(int link)
{
	if (link != KEPT && dup2(link, KEPT) < 0)
		return link;
	descriptor_close_range(0, KEPT - 1);
	descriptor_close_range(KEPT + 1, INT_MAX);
	return KEPT;
}

static _Noreturn void serve(int command, int link, bool same_group)
{
	sigset_t all;
	siginfo_t info;
	sigfillset(&all);
	for (;;) {
		if (sigwaitinfo(&all, &info) < 0)
			continue;
		if (info.si_signo == SIGCHLD)
			reap(command, link);
		else
			pass_on(&info, command, same_group);
	}
}

/* For what never executes anything there is no such moment: it says when it is ready. */
static int start_holder(const struct process *process, const sigset_t *mask)
{
	int ready[2];
	char byte;
	if (pipe2(ready, O_CLOEXEC) < 0)
		fail("make pipe", NULL);
	pid_t holder = fork();
	if (holder == 0)
		exec_hold(process, mask, ready[1]);
	close(ready[1]);
	if (holder > 0 && read(ready[0], &byte, 1) != 1)
		report_set_failed();
	close(ready[0]);
	return holder;
}

struct start { const struct process *process; char *const *extra; const sigset_t *mask; };

static int start(void *argument)
{
	const struct start *start = argument;
	exec_command(start->process, start->extra, start->mask);
}

/* No mapping of its own, which would take a start several microseconds to make and to take away. */
static _Alignas(64) char stack[STACK];

/*
 * We go on when the command is executed, or has failed: then what it has written to our memory says so. That is vfork(2), which
 * musl has for some machines only (on arm64 its vfork copies the memory, as fork does); and on a stack of its own the child
 * leaves ours alone.
 */
static int start_command(const struct process *process, char *const *extra, const sigset_t *mask)
{
	struct start of = {process, extra, mask};
	if (process->hold)
		return start_holder(process, mask);
	return clone(start, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &of);
}

void init_run(const struct process *process, char *const *extra, const sigset_t *mask, int link)
{
	/* Else what the terminal sends would come to us too, and what the supervisor passes on would be lost in it: a signal that
	 * is pending already is not queued again. The command is in it, in a process group of its own: that is not orphaned, and can be
	 * stopped and continued. */
	if (process->new_session) {
		if (setsid() < 0)
			fail("setsid", NULL);
		exec_session_is_made();
	}
	/* Nobody gets hold of us by ptrace(2) or /proc/1, but with cap_sys_ptrace outside of any user namespace. */
	prctl(PR_SET_DUMPABLE, 0);
	/* By name alone (killall, pidof) people mean the supervisor: what comes to both of us is taken for a signal to the group. A nsbox
	 * in this box tells by it where it is. */
	prctl(PR_SET_NAME, "box-init");
	/* Whoever gets hold of process 1 has no more than the command has. A filter of somebody else's might refuse what we call. */
	const struct seccomp *filter = process->seccomp && seccomp_is_ours(process->seccomp) ? process->seccomp : NULL;
	/* One for both: the kernel takes longer to load it than for all mounts of a box. It does not let a root be unsealed. */
	bool shared = filter && process->no_new_privs && !(root_is_sealed() && rollback_has_entries());
	if (shared)
		seccomp_load_shared(filter);
	pid_t command = start_command(process, extra, mask);
	/* As for spawn_box: what may be about to end is no child of ours. */
	for (int tries = 0; command < 0 && errno == EAGAIN && tries < MAX_TRIES; tries++) {
		nanosleep(&(struct timespec){.tv_nsec = TRY_AGAIN_NS}, NULL);
		command = start_command(process, extra, mask);
	}
	if (command < 0)
		fail_hint("start a process", NULL, report_process_hint());
	/* The phase was the child's. */
	report_step(STEP_INIT);
	/* By then the other one may have given up what that takes; we have not. */
	if (report_has_failed())
		root_unseal();
	else
		channel_send(link, CHANNEL_STARTED, 0);
	/* As root that lets the box look at us, as at any process in it. */
	if (process->capabilities >> CAP_SYS_PTRACE & 1)
		exec_forget_environment();
	link = keep_link_only(link);
	report_to(NULL);
	if (!process->no_new_privs)
		seccomp_load(filter);
	privileges_drop(process, 0);
	if (process->no_new_privs)
		seccomp_load(filter);
	/* Other ids have undone it, and whoever would have killed us may have ended since. */
	die_with_parent(link);
	serve(command, link, !process->new_session);
}
