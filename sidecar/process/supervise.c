#include "process/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "process/caller_descriptors.h"
#include "process/exec_filtered.h"
#include "fs/take_back.h"
#include "privs/cgroup.h"
#include "process/foreground.h"
#include "process/helper.h"
#include "process/init.h"
#include "process/release.h"
#include "process/signals.h"
#include "process/watchdog.h"

enum { MAX_ERRORS = 8 };

static bool started, failed;
static int command_status = -1; /* wait status of the command, once init has sent it */
static struct rusage used; /* resources that the box used, with all processes that were reaped in it */
static bool over; /* the box has ended */
static int terminal = -1; /* terminal on which we were in the foreground */
static int complaints = 2; /* descriptor for the message that memory ran out */

static void take_terminal(void)
{
	pid_t ours = getpgrp();
	for (int fd = 0; fd < 3 && terminal < 0; fd++)
		if (descriptor_may_be_terminal(fd) && tcgetpgrp(fd) == ours)
			terminal = descriptor_copy(fd);
}

/*
 * A shell with job control in the box makes its own process group the foreground. When it ends, we put our group back.
 */
static void give_terminal_back(void)
{
	pid_t now = terminal < 0 ? -1 : tcgetpgrp(terminal);
	if (now > 0 && now != getpgrp() && kill(-now, 0) < 0 && errno == ESRCH)
		tcsetpgrp(terminal, getpgrp());
}

/*
 * Stops us when the command stops, so that a shell with job control sees it. Without such a shell no process would
 * continue us.
 */
static void stop_too(void)
{
	pid_t parent = getppid();
	/* The watchdog is ending the box, and we have to wait for that. */
	if (watchdog_has_acted())
		return;
	if (parent > 0 && getsid(parent) == getsid(0) && getpgid(parent) != getpgrp())
		kill(getpid(), SIGSTOP);
}

static void say_started(const struct box *box)
{
	if (started || failed || exec_filtered_has_failed())
		return;
	started = true;
	report_started(box->pid);
	caller_descriptors_let_go();
	/* Close our copies of 0-2, or a reader of the command's output would never see its end. */
	complaints = (box->memory && !box->quiet) || helpers_can_end_box() ? descriptor_copy(2) : -1;
	if (box->verbose)
		return;
	int status = report_status_fd(), kept = status >= 0 && status < 3 ? status : 3;
	descriptor_close_range(0, kept - 1);
	descriptor_close_range(kept + 1, 2);
}

/* Reads a message. False if the box sends no more. */
static bool read_channel(const struct box *box)
{
	struct channel_message message;
	struct channel_along along;
	ssize_t length = channel_receive(box->channel, &message, &along);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	if (length == 0) {
		/* Without an init, the end of the channel means that execve has succeeded. */
		if (!box->init)
			say_started(box);
		return false;
	}
	/*
	 * These messages make us remove files later, so they count only before the command starts, while the box has only
	 * our code.
	 */
	bool counts = along.fd[0] >= 0 && length == sizeof message && !started;
	if (counts && message.kind == CHANNEL_MADE) {
		take_back_add(along.fd[0], along.fd[1], &message.made, message.value);
	} else if (!counts || message.kind != CHANNEL_LOCK) {
		/* A lock stays open. */
		descriptor_close(along.fd[0]);
		descriptor_close(along.fd[1]);
	}
	if (length < (ssize_t)CHANNEL_PLAIN)
		return true;
	switch ((enum channel_kind)message.kind) {
	case CHANNEL_STARTED: say_started(box); break;
	case CHANNEL_STOPPED:
		if (!over)
			stop_too();
		break;
	case CHANNEL_ENDED: command_status = message.value; break;
	case CHANNEL_FAILED: failed = true; break;
	case CHANNEL_READY: release_box_is_ready(box); break;
	case CHANNEL_MADE:
	case CHANNEL_LOCK:
	case CHANNEL_PROCESS: break;
	}
	return true;
}

int supervise_await_process(const struct box *box, int *number)
{
	struct channel_message message;
	struct channel_along along;
	ssize_t length;
	do {
		struct pollfd end = {box->channel, POLLIN, 0};
		poll(&end, 1, -1);
		length = channel_receive(box->channel, &message, &along);
	} while (length < 0 && (errno == EAGAIN || errno == EINTR));
	*number = length > 0 ? message.value : 0;
	descriptor_close(along.fd[1]);
	if (length > 0 && message.kind == CHANNEL_PROCESS && along.fd[0] >= 0)
		return along.fd[0];
	failed = length > 0 && message.kind == CHANNEL_FAILED;
	descriptor_close(along.fd[0]);
	return -1;
}

/*
 * The terminal sends its signals to the whole process group, so the command gets them too. A command in its own session
 * doesn't, and we do what the terminal would have done. The same holds for a shell that continues a job.
 */
static void pass_on(const struct box *box, const struct signalfd_siginfo *from)
{
	int signal = (int)from->ssi_signo;
	bool to_group = from->ssi_code == SI_KERNEL;
	if (release_take_signal(box, signal))
		return;
	if (box->own_group && foreground_take(box->pid, from))
		return;
	if (to_group && !box->new_session && !box->own_group)
		signals_came(box, signal);
	else
		signals_pass(box, signal, to_group || (box->new_session && signal == SIGCONT));
}

static _Noreturn void finish(const struct box *box, int status)
{
	over = true;
	do
		errno = 0;
	while (read_channel(box) && errno != EAGAIN);
	if (box->init && command_status >= 0 && WIFEXITED(status))
		status = command_status;
	foreground_end(box->pid);
	give_terminal_back();
	/* First, since a helper that watches the box's mounts would take what follows for a change by somebody else. */
	bool timed_out = watchdog_has_timed_out(), unaided = release_end(complaints);
	take_back_all(failed, !box->seen);
	int signal = release_signal() ? release_signal() : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (signal == SIGKILL && signals_killed_for())
		signal = signals_killed_for();
	struct report_usage group;
	bool grouped = cgroup_read_usage(&group);
	bool starved = signal == SIGKILL && grouped && group.oom_kills > 0;
	cgroup_remove();
	if (starved && !started && !failed)
		fail_plain_hint(
			"killed for lack of memory before the command started", NULL, "--memory is too small for the box itself");
	if (exec_filtered_has_failed() && !failed)
		exec_filtered_explain();
	if (starved && complaints >= 0 && !timed_out && !box->quiet)
		report_out_of_memory(complaints, box->memory);
	/* Our stderr is closed by now; a user who sits at the terminal is told there, as a shell would. */
	if (signal == SIGSYS && box->filtered && !box->quiet)
		report_filtered(complaints < 0 ? terminal : complaints);
	if (unaided)
		signal = 0;
	int code = timed_out ? STATUS_TIMED_OUT : unaided ? STATUS_FAILED : signal ? 128 + signal : WEXITSTATUS(status);
	report_exited(code, signal, timed_out, clock_elapsed(), &used, grouped ? &group : NULL);
	_exit(code);
}

static void look_at_stop(const struct box *box, int signal)
{
	if (box->own_group && !watchdog_has_acted())
		foreground_stopped(box->pid, signal);
	else if (!box->own_group && !box->init)
		stop_too();
}

/*
 * Asks waitid(2) for a change of the box of the kinds WHAT. Returns the status, or -1. An ended box stays to be reaped.
 */
static int look_for(const struct box *box, int what)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)box->pid, &info, what | WNOHANG) == 0 && info.si_pid == box->pid ? info.si_status : -1;
}

static void look_at_child(const struct box *box)
{
	int status, errors = 0;
	if (watchdog_is_wanted(box) && look_for(box, WEXITED | WNOWAIT) < 0) {
		int signal = look_for(box, WSTOPPED);
		if (signal > 0)
			look_at_stop(box, signal);
		return;
	}
	watchdog_end();
	while (errors < MAX_ERRORS) {
		pid_t pid = wait4(box->pid, &status, WNOHANG | WUNTRACED, &used);
		if (pid == 0)
			return;
		if (pid < 0)
			errors++;
		else if (WIFSTOPPED(status))
			look_at_stop(box, WSTOPSIG(status));
		else
			finish(box, status);
	}
	/* We end, and the box with us: waiting for an event that can't come would be worse. */
	fail("wait for the box", NULL);
}

void supervise_set_up(struct box *box)
{
	sigset_t all;
	sigfillset(&all);
	box->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (box->signals < 0)
		fail("signalfd", NULL);
	if (box->own_group)
		foreground_set_up();
	take_terminal();
	if (watchdog_is_wanted(box))
		watchdog_set_up();
	clock_start();
}

void supervise(const struct box *box)
{
	struct signalfd_siginfo info;
	/*
	 * A box that can see us could write to our executable later through /proc/PID/exe, if it is a file on a disk
	 * (CVE-2019-5736). Otherwise we stay dumpable, since nsbox enter reads the box's plan there.
	 */
	if (box->seen)
		prctl(PR_SET_DUMPABLE, 0);
	struct pollfd polls[] = {{box->signals, POLLIN, 0}, {box->channel, POLLIN, 0}, {-1, POLLIN, 0}};
	for (;;) {
		polls[2].fd = release_descriptor();
		/* If poll fails (EINTR, ENOMEM), we look and poll again: the box must not end by that. */
		if (poll(polls, 3, signals_wait_time()) < 0)
			polls[1].revents = polls[2].revents = 0;
		if (polls[2].revents)
			release_read(box);
		if (polls[1].revents && !read_channel(box))
			polls[1].fd = -1;
		while (read(box->signals, &info, sizeof info) == sizeof info) {
			if (info.ssi_signo == SIGCHLD) {
				look_at_child(box);
				watchdog_look(box);
				release_look(box);
			} else {
				pass_on(box, &info);
			}
		}
		signals_look_again(box);
	}
}
