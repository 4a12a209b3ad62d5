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
	/* By then it may be too late for the signal. */
	if (poll(&end, 1, 0) > 0 && (end.revents & POLLHUP))
		_exit(STATUS_FAILED);
}

int die_with_parent_watch(void)
{
	pid_t parent = getppid();
	int fd = parent > 0 ? sys_pidfd_open(parent) : -1;
	if (fd < 0) {
		/* It lives in a pid namespace that we can't see, or the kernel is older than 5.3. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			fail("watch the parent", NULL);
	}
	/*
	 * It may have ended before we could ask for it, and then this is who takes orphans in. We were born into the session of who
	 * started us, and only a leader has left it since.
	 */
	bool is_stranger = parent > 0 && getsid(0) != getpid() && getsid(parent) >= 0 && getsid(parent) != getsid(0);
	if (getppid() != parent || is_stranger)
		fail_plain("the parent has ended", NULL);
	return fd;
}
