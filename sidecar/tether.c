#include "tether.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "report.h"

static int supervisor = -1;

void tether(int link)
{
	supervisor = link;
	tether_again();
}

void tether_again(void)
{
	struct pollfd end = {supervisor, 0, 0};
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fail("set the parent death signal", NULL);
	/* By then it may be too late for the signal. */
	if (poll(&end, 1, 0) > 0 && (end.revents & POLLHUP))
		_exit(STATUS_FAILED);
}
