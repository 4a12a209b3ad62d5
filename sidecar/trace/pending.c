#include "trace/pending.h"

#include <netinet/in.h>
#include <stdio.h>

#include "trace/tracee.h"

/* The oldest is forgotten: programs wait for a few at a time. */
enum { MOST = 256 };

static struct {
	pid_t process;
	int fd;
	struct refusal refusal;
	char address[INET6_ADDRSTRLEN];
} list[MOST];
static unsigned next;

void pending_add(pid_t pid, int fd, const struct refusal *refusal)
{
	if (*refusal->address == '\0')
		return;
	list[next].process = tracee_process(pid);
	list[next].fd = fd;
	list[next].refusal = *refusal;
	snprintf(list[next].address, sizeof list[next].address, "%s", refusal->address);
	list[next].refusal.address = list[next].address;
	next = (next + 1) % MOST;
}

bool pending_take(pid_t pid, int fd, struct refusal *refusal)
{
	pid_t process = tracee_process(pid);
	/* From the newest on: the number may have been another socket's before. */
	for (unsigned i = 1; i <= MOST; i++) {
		unsigned at = (next + MOST - i) % MOST;
		if (list[at].process != process || list[at].fd != fd || process == 0)
			continue;
		list[at].process = 0;
		*refusal = list[at].refusal;
		return true;
	}
	return false;
}
