#include "privs/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "plan/contract.h"
#include "base/report.h"
#include "base/sys.h"

/* The plan's words are the kernel's bits: LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL. */
_Static_assert(PROCESS_SCOPES_ABSTRACT == 1 && PROCESS_SCOPES_SIGNALS == 2, "scopes");

/* An older kernel (E2BIG), one that runs without Landlock, and a filter of a container engine that does not know the call. */
static int is_not_here(int number)
{
	return number == E2BIG || number == ENOSYS || number == EOPNOTSUPP || number == EPERM;
}

void landlock_apply(unsigned scopes)
{
	const struct sys_landlock_ruleset rules = {.scoped = scopes};
	if (!scopes)
		return;
	int fd = (int)syscall(SYS_LANDLOCK_CREATE, &rules, sizeof rules, 0u);
	if (fd < 0 && is_not_here(errno))
		return;
	/* E2BIG: a box in a box in a box, and so on for 16. */
	if (fd < 0 || (syscall(SYS_LANDLOCK_RESTRICT, fd, 0u) < 0 && errno != E2BIG))
		fail("restrict by Landlock", NULL);
	close(fd);
}
