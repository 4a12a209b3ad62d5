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

#include "base/clock.h"
#include "base/descriptor.h"
#include "process/exec.h"
#include "base/channel.h"
#include "fs/rollback.h"
#include "libc/large.h"
#include "privs/privileges.h"
#include "base/report.h"
#include "fs/root.h"
#include "privs/seccomp.h"
#include "base/sys.h"
#include "process/die_with_parent.h"
#include "process/signals.h"

enum { KEPT = 3, SAME_MOMENT_US = 2000000, MAX_ERRORS = 8, MAX_TRIES = 500, TRY_AGAIN_US = 1000, STACK = 128 << 10 };

static int64_t direct[_NSIG]; /* when a signal came directly to the whole group, clock_now(); 0: it didn't */

/*
 * A signal for the whole process group (Ctrl-C, kill(-PGID)) reaches the command directly. It also reaches the
 * supervisor, which can't distinguish it from a signal for nsbox alone, and passes it on. But it reaches us directly,
 * too, so a signal that comes both ways is dropped here. The kernel delivers the lower of two pending signals first, so
 * we know the direct one by then. The time limit is for direct signals to us alone, which only tests send.
 */
static void pass_to_command(const siginfo_t *info, int command, bool same_group)
{
	int mark =
		info->si_code == SI_QUEUE && info->si_pid == 0 && info->si_signo == FORWARDED_BY ? info->si_value.sival_int : 0;
	if ((mark & ~FORWARDED_SIGNAL & ~FORWARDED_TO_GROUP) != FORWARDED) {
		direct[info->si_signo] = same_group ? clock_now() : 0;
		return;
	}
	int signal = mark & FORWARDED_SIGNAL;
	if (mark & FORWARDED_TO_GROUP) {
		kill(-command, signal);
		return;
	}
	bool had = direct[signal] && clock_now() - direct[signal] < SAME_MOMENT_US;
	direct[signal] = 0;
	if (!had)
		kill(command, signal);
}

static int take_direct(void)
{
	static const struct timespec now;
	sigset_t set;
	sigfillset(&set);
	sigdelset(&set, SIGCHLD);
	sigdelset(&set, FORWARDED_BY);
	return sigtimedwait(&set, NULL, &now);
}

/* Before the command exists: what came directly until now came to us alone, so it must count when it is passed on. */
static void forget_direct(void)
{
	while (take_direct() > 0)
		;
}

/*
 * At once after the command's start: what came directly meanwhile may have come a moment before it existed. If it
 * handles the signal by now, it has long existed. If it doesn't, and got the signal, it ends by it, and the one that is
 * passed on does no harm.
 */
static void note_direct(int command)
{
	for (int signal; (signal = take_direct()) > 0;)
		if (signals_are_caught(command, signal))
			direct[signal] = clock_now();
}

static void tell_ended(int link, int status)
{
	/* Our own exit status reports an exit. */
	if (WIFSIGNALED(status))
		channel_send(link, CHANNEL_ENDED, status);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/*
 * Reaps until the command ends, and ends with it: the kernel kills all processes in the pid namespace when process 1
 * ends.
 */
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
	/* waitpid failed: waiting for a SIGCHLD that has come already would never end. */
	_exit(STATUS_FAILED);
}

/* Closes all descriptors but LINK: a reader of the caller's pipe waits until every copy is closed. */
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
			pass_to_command(&info, command, same_group);
	}
}

/* Starts the process of a box that stays. It executes nothing, so it writes a byte when it is ready. */
static int start_holder(const struct process *process, const sigset_t *mask)
{
	int ready[2];
	char byte;
	if (pipe2(ready, O_CLOEXEC) < 0)
		fail("make pipe", NULL);
	pid_t holder = sys_fork();
	if (holder == 0)
		exec_open(process, mask, ready[1]);
	close(ready[1]);
	if (holder > 0 && read(ready[0], &byte, 1) != 1)
		report_set_failed();
	close(ready[0]);
	return holder;
}

struct start {
	const struct process *process;
	char *const *extra;
	const sigset_t *mask;
};

static int start(void *argument)
{
	const struct start *start = argument;
	exec_command(start->process, start->extra, start->mask);
}

/* A static array, since mapping and unmapping a stack takes a start several microseconds. */
LARGE_ARRAY static _Alignas(64) char stack[STACK];

/*
 * Starts the command as vfork(2) does: we go on when it is executed or has failed, which it writes to our memory.
 * musl's vfork copies the memory on some machines (arm64), as fork does. The child has a stack of its own, so that it
 * leaves ours alone.
 */
static int start_command(const struct process *process, char *const *extra, const sigset_t *mask)
{
	struct start of = {process, extra, mask};
	if (process->pause)
		return start_holder(process, mask);
	return clone(start, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &of);
}

void init_run(const struct process *process, char *const *extra, const sigset_t *mask, int link)
{
	/*
	 * In the caller's session the terminal's signals would reach us too, and one that the supervisor passes on would be
	 * lost, since a pending signal isn't queued again. The command is in our session, in its own process group, which
	 * isn't orphaned, so it can be stopped and continued.
	 */
	if (process->new_session) {
		if (setsid() < 0)
			fail("setsid", NULL);
		exec_session_is_made();
	}
	/* Only cap_sys_ptrace outside of all user namespaces can reach us now by ptrace(2) or /proc/1. */
	prctl(PR_SET_DUMPABLE, 0);
	/*
	 * killall and pidof go by name, and are meant for the supervisor: a signal to both of us would count as one to the
	 * group. A nsbox in this box recognizes a box by the name, too.
	 */
	prctl(PR_SET_NAME, "box-init");
	/*
	 * Our filter holds for process 1 too, so that controlling it gains nothing. Another filter might refuse calls of
	 * ours.
	 */
	const struct seccomp *filter = process->seccomp && seccomp_is_ours(process->seccomp) ? process->seccomp : NULL;
	/*
	 * Loaded once for both processes, since loading takes the kernel longer than all mounts of a box. The filter
	 * refuses mount calls, so it must wait if a failure would have to unseal the root. One that answers changes of ids
	 * must wait for those of the command.
	 */
	bool shared = filter && process->no_new_privs && !(root_is_sealed() && rollback_has_entries()) &&
				  !seccomp_answers_ids(filter);
	if (shared)
		seccomp_load_shared(filter);
	if (!process->new_session)
		forget_direct();
	pid_t command = start_command(process, extra, mask);
	/*
	 * As in spawn_box: a process that counts against the limit may be about to end. It isn't our child, so we try
	 * again.
	 */
	for (int tries = 0; command < 0 && errno == EAGAIN && tries < MAX_TRIES; tries++) {
		clock_sleep(TRY_AGAIN_US);
		command = start_command(process, extra, mask);
	}
	if (command < 0)
		fail_hint("start a process", NULL, report_process_hint());
	if (!process->new_session)
		note_direct(command);
	/* The child shares our memory, and has set its own phase. */
	report_step(STEP_INIT);
	/* The child may have dropped the privileges that this takes; we still have them. */
	if (report_has_failed())
		root_unseal();
	else
		channel_send(link, CHANNEL_STARTED, 0);
	/* With cap_sys_ptrace the box may look at us, as at every process in it. */
	if (process->capabilities >> CAP_SYS_PTRACE & 1)
		exec_forget_environment();
	link = keep_link_only(link);
	report_to(NULL);
	if (!process->no_new_privs)
		seccomp_load(filter);
	privileges_drop(process, 0);
	if (process->no_new_privs)
		seccomp_load(filter);
	/* The change of ids cleared it, and the supervisor may have ended since. */
	die_with_parent(link);
	serve(command, link, !process->new_session);
}
