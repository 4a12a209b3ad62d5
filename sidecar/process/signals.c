#include "process/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/procfs.h"

/*
 * A command that is process 1 of its pid namespace has no default actions: the kernel drops a signal that it doesn't
 * handle or wait for, pid_namespaces(7). Only SIGKILL and SIGSTOP from outside work. So we look at how the command
 * handles a signal, and do what the kernel would have done for another process. In a set of signals bit N - 1 is signal
 * N.
 */
enum { FIRST_LOOK_MS = 5, MOST_MS = 500, MAX_BUSY_LOOKS = 4 };

static uint64_t waiting; /* signals that were sent, and may be pending still */
static int look_in; /* milliseconds until we look at them again */
static int busy_looks;
static int killed_for;

static uint64_t bit(int signal) { return UINT64_C(1) << (signal - 1); }

/* UNSURE: the command is running, so it may wait by sigwait(3), which hides the blocked signals, or be in execve(2). */
struct state {
	uint64_t blocked, taken, pending;
	bool unsure, in_exec;
	char program[64]; /* differs after each execve(2) */
};

static uint64_t set_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

static bool read_file(int pid, const char *name, char *text, size_t size)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Fields 26 to 28 of proc(5)'s stat: where the program's code lies, and its stack. */
static void copy_program(const char *stat, char *program, size_t size)
{
	const char *first = strrchr(stat, ')');
	for (int n = 2; first && n < 26; n++)
		first = strchr(first + 1, ' ');
	const char *end = first;
	for (int n = 26; end && n <= 28; n++)
		end = strchr(end + 1, ' ');
	snprintf(program, size, "%.*s", end ? (int)(end - first) : 0, first ? first : "");
}

static void read_program(int pid, char *program, size_t size)
{
	char stat[1024];
	copy_program(read_file(pid, "stat", stat, sizeof stat) ? stat : "", program, size);
}

/* False if /proc doesn't show the state: then the command gets only the signal itself. */
static bool read_state(int pid, struct state *state)
{
	char text[4096], call[256];
	/* PID is our child and isn't reaped yet, so its number can't belong to another process. */
	if (!procfs_has_our_numbers())
		return false;
	read_program(pid, state->program, sizeof state->program);
	bool known = read_file(pid, "syscall", call, sizeof call);
	if (!read_file(pid, "status", text, sizeof text))
		return false;
	state->blocked = set_after(text, "\nSigBlk:");
	state->taken = set_after(text, "\nSigIgn:") | set_after(text, "\nSigCgt:");
	state->pending = set_after(text, "\nSigPnd:") | set_after(text, "\nShdPnd:");
	/* During sigwait(3) the signals that it waits for don't show as blocked. */
	state->unsure = known && strncmp(call, "running", 7) == 0;
	long number = known && !state->unsure ? strtol(call, NULL, 10) : -1;
	state->in_exec = number == SYS_execve || number == SYS_execveat;
	if (number == SYS_rt_sigtimedwait)
		state->blocked = ~UINT64_C(0);
	return true;
}

static bool has_no_defaults(const struct box *box) { return box->first && !box->init; }

/* Does the kernel's default action, signal(7). */
static void act(const struct box *box, int signal)
{
	switch (signal) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH: return;
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		/* A new session's process group is orphaned, and the kernel doesn't stop such a group. */
		if (!box->new_session || kill(-box->pid, SIGSTOP) < 0)
			kill(box->pid, SIGSTOP);
		return;
	default: killed_for = signal; kill(box->pid, SIGKILL);
	}
}

static void send(const struct box *box, int signal, bool to_group)
{
	siginfo_t info = {0};
	info.si_signo = FORWARDED_BY;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = FORWARDED | (to_group ? FORWARDED_TO_GROUP : 0) | signal;
	if (box->init && syscall(SYS_rt_sigqueueinfo, box->pid, FORWARDED_BY, &info) == 0)
		return;
	/* The command's process group doesn't exist before its setsid. */
	if (!to_group || kill(-box->pid, signal) < 0)
		kill(box->pid, signal);
}

/*
 * Stops the command, by ptrace(2), until let_go: a running command may be about to install a handler, or in execve(2),
 * which resets the handlers and so drops a pending signal. False if it can't be stopped; another process may trace it.
 * STATUS is for let_go. Waits until an execve is through.
 */
static bool hold(int pid, int *status)
{
	siginfo_t info = {0};
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return false;
	bool stopped = ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 &&
				   waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT) == 0 && info.si_code == CLD_TRAPPED &&
				   waitid(P_PID, (id_t)pid, &info, WSTOPPED) == 0;
	*status = info.si_status;
	return stopped;
}

/* The command may have stopped for another signal, which it gets now. */
static void let_go(int pid, int status) { ptrace(PTRACE_DETACH, pid, 0, status < NSIG ? status : 0); }

/*
 * Whether the first process still runs our code, which blocks all signals until it executes the command. We are its
 * parent, so our memory has the same layout.
 */
static bool is_our_code(const struct state *now)
{
	static char ours[sizeof now->program];
	if (!*ours)
		read_program(getpid(), ours, sizeof ours);
	return strcmp(now->program, ours) == 0;
}

/* WAS is the state when the signal came, or soon after. */
static void look_at(const struct box *box, const struct state *was, int signal)
{
	if (was->taken & bit(signal))
		return;
	bool to_us = is_our_code(was) && !(box->blocked & bit(signal));
	if (to_us || (!(was->blocked & bit(signal)) && !was->unsure)) {
		act(box, signal);
		return;
	}
	waiting |= bit(signal);
	look_in = FIRST_LOOK_MS;
	busy_looks = 0;
}

void signals_pass(const struct box *box, int signal, bool to_group)
{
	struct state before;
	int status;
	/* Read before sending, since a handler may be for one signal only (SA_RESETHAND). */
	bool known = has_no_defaults(box) && read_state(box->pid, &before);
	bool held = known && (before.unsure || before.in_exec) && hold(box->pid, &status);
	if (held) {
		known = read_state(box->pid, &before);
		before.unsure = false;
	}
	send(box, signal, to_group);
	if (held)
		let_go(box->pid, status);
	if (known)
		look_at(box, &before, signal);
}

void signals_came(const struct box *box, int signal)
{
	struct state now;
	int status;
	if (!has_no_defaults(box) || !read_state(box->pid, &now))
		return;
	bool may_be_dropped = (now.unsure || now.in_exec) && now.taken & now.pending & bit(signal);
	if (may_be_dropped && hold(box->pid, &status)) {
		bool known = read_state(box->pid, &now);
		let_go(box->pid, status);
		if (!known || !(now.pending & bit(signal)))
			return;
		now.unsure = false;
	}
	look_at(box, &now, signal);
}

bool signals_are_caught(int pid, int signal)
{
	char text[4096];
	return read_file(pid, "status", text, sizeof text) && set_after(text, "\nSigCgt:") & bit(signal);
}

int signals_wait_time(void) { return waiting ? look_in : -1; }

void signals_look_again(const struct box *box)
{
	struct state now;
	if (!waiting)
		return;
	if (!read_state(box->pid, &now)) {
		waiting = 0;
		return;
	}
	uint64_t free = waiting & ~now.pending & ~now.taken & ~now.blocked;
	look_in = 2 * look_in < MOST_MS ? 2 * look_in : MOST_MS;
	/* A command that never sleeps never shows a sure state, so the number of such looks is limited. */
	if (free && now.unsure && busy_looks++ < MAX_BUSY_LOOKS)
		return;
	/*
	 * A blocked signal that isn't pending any more was taken by sigwait(3) or signalfd(2); one that isn't blocked was
	 * dropped.
	 */
	waiting &= now.pending;
	for (int signal = 1; signal <= 64; signal++)
		if (free & bit(signal))
			act(box, signal);
}

int signals_killed_for(void) { return killed_for; }
