#include "process/watchdog.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "process/signals.h"
#include "base/sys.h"

/* Lies in memory that supervisor and watchdog share. */
static struct verdict {
	atomic_bool acted, timed_out;
} * verdict;
static pid_t watchdog;
static int channel; /* socket to the watchdog */

bool watchdog_is_wanted(const struct box *box) { return box->timeout || box->parent >= 0; }

void watchdog_set_up(void)
{
	void *page = mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		fail("allocate", NULL);
	verdict = page;
}

bool watchdog_has_acted(void) { return verdict && verdict->acted; }
bool watchdog_has_timed_out(void) { return verdict && verdict->timed_out; }

enum stage { RUNNING, TERMINATED, KILLED };

/* The number of milliseconds until the next step against a box that takes too long; -1: never. */
static int wait_time(const struct box *box, enum stage stage)
{
	if (!box->timeout || stage == KILLED)
		return -1;
	int64_t left = box->timeout + (stage == TERMINATED ? box->grace : 0) - clock_elapsed() / 1000;
	/* Plus 1, since the division has rounded down; at most what poll(2) takes. */
	return left < 0 ? 0 : left >= INT_MAX ? INT_MAX : (int)left + 1;
}

/*
 * Kills process 1 of the box; the kernel then kills its pid namespace, which may take time, but needs no second signal.
 * A command that entered a box takes its process group along: its children would hold the caller's pipes open.
 */
static enum stage kill_box(const struct box *box, pid_t supervisor)
{
	verdict->acted = true;
	if (box->entered)
		kill(-box->pid, SIGKILL);
	kill(box->pid, SIGKILL);
	kill(supervisor, SIGCONT);
	return KILLED;
}

/* Sends TERM to the command first, and kills the box after the grace. */
static enum stage look_at_clock(const struct box *box, enum stage stage, pid_t supervisor)
{
	if (wait_time(box, stage) != 0)
		return stage;
	verdict->timed_out = true;
	verdict->acted = true;
	if (stage == TERMINATED || !box->grace)
		return kill_box(box, supervisor);
	signals_pass(box, SIGTERM, false);
	/* A stopped command would not handle TERM. */
	signals_pass(box, SIGCONT, false);
	return TERMINATED;
}

/*
 * Makes a session of its own, so that no signal to a terminal or process group reaches it, and keeps only two
 * descriptors, the channel as 0 and the parent as 1: a reader may wait until every copy of the others is closed.
 */
static void retreat(int to_supervisor, int parent, pid_t supervisor)
{
	if (setsid() < 0)
		_exit(STATUS_FAILED);
	prctl(PR_SET_NAME, "nsbox-watchdog");
	prctl(PR_SET_DUMPABLE, 0);
	/* If the supervisor is killed, the box ends too, so there is nothing left to watch. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != supervisor || dup2(to_supervisor, 0) < 0)
		_exit(STATUS_FAILED);
	if (dup2(parent, 1) < 0)
		close(1);
	descriptor_close_range(2, INT_MAX);
}

static _Noreturn void watch(struct box box, pid_t supervisor)
{
	enum stage stage = RUNNING;
	if (read(0, &box.pid, sizeof box.pid) != sizeof box.pid)
		_exit(STATUS_FAILED);
	/* pidfd_open came with Linux 5.3: on an older kernel the supervisor ends us. */
	struct pollfd polls[] = {
		{.fd = sys_pidfd_open(box.pid), .events = POLLIN}, {.fd = box.parent < 0 ? -1 : 1, .events = POLLIN}};
	if (write(0, "r", 1) != 1)
		_exit(STATUS_FAILED);
	close(0);
	for (;;) {
		int left = wait_time(&box, stage), again = signals_wait_time();
		if (poll(polls, 2, left < 0 || (again >= 0 && again < left) ? again : left) < 0)
			polls[0].revents = polls[1].revents = 0;
		if (polls[0].revents)
			break;
		if (polls[1].revents) {
			polls[1].fd = -1;
			stage = kill_box(&box, supervisor);
		}
		stage = look_at_clock(&box, stage, supervisor);
		signals_look_again(&box);
	}
	/* A stopped supervisor could not report the end. */
	if (verdict->acted)
		kill(supervisor, SIGCONT);
	_exit(0);
}

void watchdog_start(const struct box *box)
{
	pid_t supervisor = getpid();
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		fail("socketpair", NULL);
	watchdog = sys_fork();
	if (watchdog == 0) {
		retreat(pair[1], box->parent, supervisor);
		watch(*box, supervisor);
	}
	if (watchdog < 0)
		fail_hint("start the watchdog", NULL,
			errno != EAGAIN
				? NULL
				: "--timeout and --die-with-parent take one more process outside of the box: see ulimit -u, and pids.max of the control group");
	close(pair[1]);
	channel = pair[0];
}

void watchdog_watch(const struct box *box)
{
	char ready;
	/* Wait until it has left our process group: a signal that stops the group would stop it too. */
	if (send(channel, &box->pid, sizeof box->pid, MSG_NOSIGNAL) < 0 || read(channel, &ready, 1) != 1)
		fail_plain("the watchdog has ended", NULL);
	close(channel);
}

void watchdog_look(const struct box *box)
{
	int status;
	if (watchdog <= 0 || waitpid(watchdog, &status, WNOHANG) != watchdog)
		return;
	watchdog = 0;
	/* An exit is regular: the box has ended. */
	if (!WIFSIGNALED(status))
		return;
	/* Our children may be in the pid namespace of an entered box by now, so a new watchdog would be in the box. */
	if (!box->first)
		fail_plain("the watchdog was killed", NULL);
	watchdog_start(box);
	watchdog_watch(box);
}

void watchdog_end(void)
{
	if (watchdog <= 0)
		return;
	kill(watchdog, SIGKILL);
	waitpid(watchdog, NULL, 0);
	watchdog = 0;
}
