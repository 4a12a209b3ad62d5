#include "process/die_with_parent.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/report.h"
#include "base/sys.h"

static int supervisor = -1;

void die_with_parent(int link)
{
	supervisor = link;
	die_with_parent_again();
}

void die_with_parent_again(void)
{
	struct pollfd end = {supervisor, 0, 0};
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fail("set the parent death signal", NULL);
	/* If the supervisor ended before the prctl, the signal never comes. */
	if (poll(&end, 1, 0) > 0 && (end.revents & POLLHUP))
		_exit(STATUS_FAILED);
}

int die_with_parent_watch(void)
{
	pid_t parent = getppid();
	int fd = parent > 0 ? sys_pidfd_open(parent) : -1;
	if (fd < 0) {
		/* The parent is in a pid namespace that we can't see, or the kernel is older than 5.3. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			fail("watch the parent", NULL);
	}
	/*
	 * If our parent ended before getppid, the number is that of the process that adopts orphans. We are in our parent's
	 * session, unless we lead one, so an adopter in another session is a stranger.
	 */
	bool is_stranger = parent > 0 && getsid(0) != getpid() && getsid(parent) >= 0 && getsid(parent) != getsid(0);
	if (getppid() != parent || is_stranger)
		fail_plain("the parent has ended", NULL);
	return fd;
}
