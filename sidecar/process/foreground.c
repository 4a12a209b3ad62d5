#include "process/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/report.h"

static int terminal = -1; /* ours, and that of the command */
static bool handed;       /* the command has it */
static bool wanted;       /* it had it, or has asked for it, when it was stopped */

void foreground_set_up(void)
{
	for (int fd = 0; fd < 3 && terminal < 0; fd++)
		if (tcgetpgrp(fd) >= 0)
			terminal = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void foreground_lead(int pid)
{
	if (setpgid(pid, pid) < 0 && pid == 0)
		fail("setpgid", NULL);
}

static bool is_ours(void) { return terminal >= 0 && tcgetpgrp(terminal) == getpgrp(); }

/* Not from a shell, which may have taken it. All signals are blocked, so that SIGTTOU is none. */
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

/* False: nobody could wake us again, and so the kernel has not stopped us (an orphaned process group). */
static bool stop_too(int signal, bool group)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal);
	kill(group ? 0 : getpid(), signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* What has woken us. */
	return is_pending(SIGCONT);
}

void foreground_stopped(int pid, int signal)
{
	static bool told;
	bool had = handed;
	/* What it has in the foreground may have ended. */
	if (is_for_terminal(signal) && is_pending(SIGTSTP)) {
		/* Typed before it could have the terminal: a shell is taking that. */
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
		/* By whoever means just that; a shell with job control sees it where we are its child. */
		pid_t parent = getppid();
		if (parent > 0 && getsid(parent) == getsid(0) && getpgid(parent) != getpgrp())
			kill(getpid(), SIGSTOP);
		return;
	}
	/* What was typed has come to all of our group, if that was in the foreground. */
	if (stop_too(signal, had || is_for_terminal(signal)))
		return;
	/* As the kernel does with a group that is stopped for ever, setpgid(2); but once. */
	if (is_for_terminal(signal)) {
		if (told)
			return;
		told = true;
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
	/* Somebody of our group asks for the terminal, as a pager does. */
	if (is_for_terminal(signal) && from->ssi_code == SI_KERNEL && handed) {
		take_back(pid);
		kill(0, SIGCONT);
		return true;
	}
	return false;
}

void foreground_end(int pid)
{
	if (!handed)
		return;
	take_back(pid);
	/* Who has asked just before was stopped, and the whole group told. */
	if (is_pending(SIGTTIN) || is_pending(SIGTTOU))
		kill(0, SIGCONT);
}
