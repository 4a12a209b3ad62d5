#include "process/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"

enum { MOMENT_NS = 100000000 };

static int terminal = -1; /* our terminal, which is the command's too */
static bool handed; /* the command has the terminal */
static bool has_others; /* one of our streams leads elsewhere, maybe to a pager, which is in our process group */
static bool was_asked; /* such a process has asked for the terminal */
static bool wanted; /* when the command stopped, it had the terminal, or had asked for it */

void foreground_set_up(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (!descriptor_may_be_terminal(fd) || tcgetpgrp(fd) < 0)
			has_others = true;
		else if (terminal < 0)
			terminal = descriptor_copy(fd);
}

void foreground_lead(int pid)
{
	if (setpgid(pid, pid) < 0 && pid == 0)
		fail("setpgid", NULL);
}

static bool is_ours(void) { return terminal >= 0 && tcgetpgrp(terminal) == getpgrp(); }

/* Takes the terminal back, unless a shell has taken it already. All signals are blocked, so SIGTTOU doesn't stop us. */
static void take_back(int pid)
{
	pid_t now = handed ? tcgetpgrp(terminal) : -1;
	if (now > 0 && (now == pid || (kill(-now, 0) < 0 && errno == ESRCH)))
		tcsetpgrp(terminal, getpgrp());
	handed = false;
}

static void resume(int pid)
{
	if (wanted && is_ours() && tcsetpgrp(terminal, pid) == 0) {
		handed = true;
		wanted = false;
	}
	kill(-pid, SIGCONT);
}

static bool is_for_terminal(int signal) { return signal == SIGTTIN || signal == SIGTTOU; }

static bool is_pending(int signal)
{
	sigset_t set;
	return sigpending(&set) == 0 && sigismember(&set, signal);
}

/* False if the kernel didn't stop us: our process group is orphaned, and no shell could continue it. */
static bool stop_with_command(int signal, bool group)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal);
	kill(group ? 0 : getpid(), signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* SIGCONT is pending if we were stopped and continued. */
	return is_pending(SIGCONT);
}

void foreground_stopped(int pid, int signal)
{
	static bool announced;
	bool had = handed;
	/* The command's foreground process group may have ended. */
	if (is_for_terminal(signal) && is_pending(SIGTSTP)) {
		/* Ctrl-Z was typed before the command got the terminal, and a shell is taking the terminal now. */
		signal = SIGTSTP;
		wanted = true;
	}
	if (is_for_terminal(signal) && (is_ours() || had)) {
		take_back(pid);
		wanted = true;
		resume(pid);
		return;
	}
	take_back(pid);
	wanted = wanted || had || is_for_terminal(signal);
	if (signal == SIGSTOP) {
		/* Another process stopped just the command. If our parent is a shell with job control, it must see the stop. */
		pid_t parent = getppid();
		if (parent > 0 && getsid(parent) == getsid(0) && getpgid(parent) != getpgrp())
			kill(getpid(), SIGSTOP);
		return;
	}
	/* If our group was in the foreground, all of it got the typed key. */
	if (stop_with_command(signal, had || is_for_terminal(signal)))
		return;
	/* The kernel sends HUP and CONT to an orphaned group that is stopped, setpgid(2). We do the same, once. */
	if (is_for_terminal(signal)) {
		if (announced)
			return;
		announced = true;
		kill(-pid, SIGHUP);
	}
	resume(pid);
}

bool foreground_take(int pid, const struct signalfd_siginfo *from)
{
	int signal = (int)from->ssi_signo;
	if (signal == SIGCONT) {
		if ((pid_t)from->ssi_pid != getpid())
			resume(pid);
		return true;
	}
	/* Another process of our group asks for the terminal, as a pager does. */
	if (is_for_terminal(signal) && from->ssi_code == SI_KERNEL && handed) {
		was_asked = true;
		take_back(pid);
		kill(0, SIGCONT);
		return true;
	}
	return false;
}

void foreground_end(int pid)
{
	const struct timespec moment = {.tv_nsec = MOMENT_NS};
	sigset_t asked;
	if (!handed && !was_asked)
		return;
	take_back(pid);
	sigemptyset(&asked);
	sigaddset(&asked, SIGTTIN);
	sigaddset(&asked, SIGTTOU);
	/*
	 * A process that asks is stopped a moment after it has looked who has the terminal. And once we have continued it,
	 * our parent has to see that before it sees our end: to a shell, a job is stopped whose last process is.
	 */
	while (has_others && sigtimedwait(&asked, NULL, &moment) > 0)
		kill(0, SIGCONT);
}
