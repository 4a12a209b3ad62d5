#include "process/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/report.h"
#include "base/runtime_memory.h"
#include "fs/rollback.h"
#include "privs/cgroup.h"
#include "process/foreground.h"
#include "process/init.h"

enum { MAX_ERRORS = 8 };

static bool started, failed;
static int command_status = -1; /* wait status of the command, once init has told it */
static struct rusage used;      /* by the box, and all that was waited for in it */
static struct timespec begun;
static bool timed_out;
static bool over;               /* the box has ended */
static int terminal = -1;       /* where we were in the foreground */
static int complaints = 2;      /* where to say that memory ran out */

static void take_terminal(void)
{
	pid_t ours = getpgrp();
	for (int fd = 0; fd < 3 && terminal < 0; fd++)
		if (tcgetpgrp(fd) == ours)
			terminal = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* A shell with job control makes its own process group the foreground; after it that is nobody's, and we were before. */
static void give_terminal_back(void)
{
	pid_t now = terminal < 0 ? -1 : tcgetpgrp(terminal);
	if (now > 0 && now != getpgrp() && kill(-now, 0) < 0 && errno == ESRCH)
		tcsetpgrp(terminal, getpgrp());
}

/* As the command has stopped, so do we, for a shell with job control to see it. Without one nobody would wake us again. */
static void stop_too(void)
{
	pid_t parent = getppid();
	if (parent > 0 && getsid(parent) == getsid(0) && getpgid(parent) != getpgrp())
		kill(getpid(), SIGSTOP);
}

static void say_started(const struct box *box)
{
	if (started || failed)
		return;
	started = true;
	report_started(box->pid);
	/* From here on we have nothing to say, and whoever reads the command's output waits for our copies to be closed too. */
	complaints = box->memory && !box->quiet ? fcntl(2, F_DUPFD_CLOEXEC, 3) : -1;
	if (!box->verbose)
		for (int fd = 0; fd < 3; fd++)
			if (fd != report_status_fd())
				close(fd);
}

/* False: the box has nothing more to tell. */
static bool read_link(const struct box *box)
{
	struct channel_message message;
	int parent;
	ssize_t length = channel_receive(box->link, &message, &parent);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	if (length == 0) {
		/* Without an init, execve closes the command's end. */
		if (!box->init)
			say_started(box);
		return false;
	}
	/* With a descriptor the box can ask us to remove a file. Nobody but ourselves is in the box before the command is started. */
	if (parent >= 0 && length == sizeof message && message.kind == CHANNEL_MADE && !started)
		rollback_receive(parent, message.name, message.value);
	else if (parent >= 0)
		close(parent);
	if (length < (ssize_t)CHANNEL_PLAIN)
		return true;
	switch ((enum channel_kind)message.kind) {
	case CHANNEL_STARTED: say_started(box); break;
	case CHANNEL_STOPPED: if (!over) stop_too(); break;
	case CHANNEL_ENDED: command_status = message.value; break;
	case CHANNEL_FAILED: failed = true; break;
	case CHANNEL_MADE: case CHANNEL_PROCESS: break;
	}
	return true;
}

int supervise_await_process(const struct box *box, int *number)
{
	struct channel_message message;
	int process = -1;
	ssize_t length;
	do {
		struct pollfd end = {box->link, POLLIN, 0};
		poll(&end, 1, -1);
		length = channel_receive(box->link, &message, &process);
	} while (length < 0 && (errno == EAGAIN || errno == EINTR));
	*number = length > 0 ? message.value : 0;
	if (length > 0 && message.kind == CHANNEL_PROCESS && process >= 0)
		return process;
	failed = length > 0 && message.kind == CHANNEL_FAILED;
	if (process >= 0)
		close(process);
	return -1;
}

static void send_marked(const struct box *box, int signal, bool to_group)
{
	siginfo_t info = {0};
	info.si_signo = FORWARDED_BY;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = FORWARDED | (to_group ? FORWARDED_TO_GROUP : 0) | signal;
	if (!box->init || syscall(SYS_rt_sigqueueinfo, box->pid, FORWARDED_BY, &info) < 0)
		kill(to_group ? -box->pid : box->pid, signal);
}

/*
 * What the terminal sends, it sends to the whole process group, and so to the command too; unless that has a session of its
 * own, in which we then do what the terminal would have done.
 */
static void pass_on(const struct box *box, const struct signalfd_siginfo *from)
{
	bool to_group = from->ssi_code == SI_KERNEL;
	if (box->own_group && foreground_take(box->pid, from))
		return;
	if (!to_group || box->new_session || box->own_group)
		send_marked(box, (int)from->ssi_signo, to_group);
}

/* The system call, since the first look at the vdso, which is faster from then on, costs two page faults. */
static struct timespec clock_now(void)
{
	struct timespec now;
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return now;
}

static int64_t microseconds_since_start(void)
{
	struct timespec now = clock_now();
	return (now.tv_sec - begun.tv_sec) * INT64_C(1000000) + (now.tv_nsec - begun.tv_nsec) / 1000;
}

/* Milliseconds until there is something to be done about a box that takes too long, at least; -1 for never. */
static int wait_time(const struct box *box)
{
	if (!box->timeout)
		return -1;
	int64_t left = box->timeout + (timed_out ? box->grace : 0) - microseconds_since_start() / 1000;
	/* One more, since what is left has been rounded down; and not more than poll(2) takes. */
	return left < 0 ? 0 : left >= INT_MAX ? INT_MAX : (int)left + 1;
}

/* TERM first, to the command; then KILL, to process 1, with which the kernel ends all that is in the pid namespace. */
static void look_at_clock(const struct box *box)
{
	int64_t now = box->timeout ? microseconds_since_start() / 1000 : 0;
	if (!box->timeout || now < box->timeout)
		return;
	if (timed_out) {
		if (now >= box->timeout + box->grace)
			kill(box->pid, SIGKILL);
		return;
	}
	timed_out = true;
	send_marked(box, SIGTERM, false);
	/* One that is stopped would not end. */
	send_marked(box, SIGCONT, false);
}

static _Noreturn void finish(const struct box *box, int status)
{
	over = true;
	do
		errno = 0;
	while (read_link(box) && errno != EAGAIN);
	if (box->init && command_status >= 0 && WIFEXITED(status))
		status = command_status;
	foreground_end(box->pid);
	give_terminal_back();
	rollback_take_back();
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	struct report_usage group;
	bool grouped = cgroup_read_usage(&group);
	bool starved = signal == SIGKILL && grouped && group.oom_kills > 0;
	cgroup_remove();
	if (starved && !started && !failed) {
		report_hint("--memory is too small for the box itself");
		fail_plain("killed for lack of memory before the command was started", NULL);
	}
	if (starved && complaints >= 0 && !timed_out)
		report_out_of_memory(complaints, box->memory);
	int code = timed_out ? STATUS_TIMED_OUT : signal ? 128 + signal : WEXITSTATUS(status);
	report_exited(code, signal, timed_out, microseconds_since_start(), &used, grouped ? &group : NULL);
	runtime_memory_wait();
	_exit(code);
}

static void look_at_child(const struct box *box)
{
	int status, errors = 0;
	while (errors < MAX_ERRORS) {
		pid_t pid = wait4(box->pid, &status, WNOHANG | WUNTRACED, &used);
		if (pid == 0)
			return;
		if (pid < 0)
			errors++;
		else if (!WIFSTOPPED(status))
			finish(box, status);
		else if (box->own_group)
			foreground_stopped(box->pid, WSTOPSIG(status));
		else if (!box->init)
			stop_too();
	}
	/* With us the box ends: better than to wait for what will never be told. */
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
	begun = clock_now();
}

void supervise(const struct box *box)
{
	struct signalfd_siginfo info;
	/*
	 * Through /proc/PID/exe a box that shares the pid namespace could later write to our file, if it is one on a disk
	 * (CVE-2019-5736). Otherwise whoever started us may look: nsbox enter reads the plan of the box there.
	 */
	if (box->seen)
		prctl(PR_SET_DUMPABLE, 0);
	/* Until signals were blocked, nothing would have told of its end. */
	runtime_memory_look();
	struct pollfd polls[] = {{box->signals, POLLIN, 0}, {box->link, POLLIN, 0}, {box->parent, POLLIN, 0}};
	for (;;) {
		look_at_clock(box);
		/* Where it fails (EINTR, for want of memory) we look, and ask again: the box is not to end by that. */
		if (poll(polls, 3, wait_time(box)) < 0)
			polls[1].revents = polls[2].revents = 0;
		if (polls[1].revents && !read_link(box))
			polls[1].fd = -1;
		while (read(box->signals, &info, sizeof info) == sizeof info) {
			if (info.ssi_signo == SIGCHLD) {
				look_at_child(box);
				runtime_memory_look();
			} else {
				pass_on(box, &info);
			}
		}
		if (polls[2].revents) {
			polls[2].fd = -1;
			kill(box->pid, SIGKILL);
		}
	}
}
