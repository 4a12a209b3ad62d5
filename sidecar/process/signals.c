#include "process/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/init.h"
#include "base/procfs.h"

/*
 * A command that is process 1 of its pid namespace has no default actions: what neither it nor a handler takes the kernel drops,
 * pid_namespaces(7). SIGKILL and SIGSTOP from outside are not dropped. So we look at what the command does about a signal, and do
 * what the kernel would have done. Sets of signals: bit N - 1 is signal N.
 */
enum { FIRST_LOOK_MS = 10, MOST_MS = 500 };

static uint64_t waiting;  /* blocked by the command when they came */
static int look_in;       /* milliseconds until they are looked at again */
static int killed_for;

static uint64_t bit(int signal) { return UINT64_C(1) << (signal - 1); }

struct state { uint64_t blocked, taken, pending; };

static uint64_t set_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

/* False where that can't be seen: the command then gets no more than the signal itself. */
static bool read_state(int pid, struct state *state)
{
	char path[32], text[4096];
	/* PID is our child, which nobody has waited for. */
	if (!procfs_has_our_numbers())
		return false;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	state->blocked = set_after(text, "\nSigBlk:");
	state->taken = set_after(text, "\nSigIgn:") | set_after(text, "\nSigCgt:");
	state->pending = set_after(text, "\nSigPnd:") | set_after(text, "\nShdPnd:");
	return true;
}

static bool has_no_defaults(const struct box *box) { return box->first && !box->init; }

/* What the kernel does by default, signal(7). */
static void act(const struct box *box, int signal)
{
	switch (signal) {
	case SIGCHLD: case SIGCONT: case SIGURG: case SIGWINCH:
		return;
	case SIGTSTP: case SIGTTIN: case SIGTTOU:
		/* In a session of its own its process group is orphaned, and nobody in it stops by those. */
		if (!box->new_session || kill(-box->pid, SIGSTOP) < 0)
			kill(box->pid, SIGSTOP);
		return;
	default:
		killed_for = signal;
		kill(box->pid, SIGKILL);
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
	/* Until it has made its session, its process group has another number. */
	if (!to_group || kill(-box->pid, signal) < 0)
		kill(box->pid, signal);
}

static void wait_for(int signal)
{
	waiting |= bit(signal);
	look_in = FIRST_LOOK_MS;
}

void signals_pass(const struct box *box, int signal, bool to_group)
{
	struct state before;
	/* Before it is sent: a handler may be there for one signal only. */
	bool known = has_no_defaults(box) && read_state(box->pid, &before);
	send(box, signal, to_group);
	if (known && before.blocked & bit(signal))
		wait_for(signal);
	else if (known && !(before.taken & bit(signal)))
		act(box, signal);
}

void signals_came(const struct box *box, int signal)
{
	struct state now;
	if (!has_no_defaults(box) || !read_state(box->pid, &now))
		return;
	if (now.blocked & bit(signal))
		wait_for(signal);
	else if (!(now.taken & bit(signal)))
		act(box, signal);
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
	/* What is blocked and no longer pending was taken by sigwait(3) or signalfd(2); what is taken has its handler. */
	uint64_t dropped = waiting & ~now.blocked & ~now.taken;
	waiting &= now.blocked & now.pending;
	for (int signal = 1; signal <= 64; signal++)
		if (dropped & bit(signal))
			act(box, signal);
	look_in = 2 * look_in < MOST_MS ? 2 * look_in : MOST_MS;
}

int signals_killed_for(void) { return killed_for; }
