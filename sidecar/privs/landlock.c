#include "privs/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "plan/contract.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"

/* The plan's words are the kernel's bits: LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL. */
_Static_assert(PROCESS_LANDLOCK_ABSTRACT == 1 && PROCESS_LANDLOCK_SIGNALS == 2, "scopes");
enum { KERNEL_SCOPES = PROCESS_LANDLOCK_ABSTRACT | PROCESS_LANDLOCK_SIGNALS, REFER = 1 << 13 };

/*
 * An older kernel returns E2BIG (EINVAL for REFER, before Linux 5.19), a kernel without Landlock ENOSYS or EOPNOTSUPP,
 * and the filter of a container engine that doesn't know the call ENOSYS or EPERM.
 */
static int is_not_here(int number)
{
	return number == E2BIG || number == EINVAL || number == ENOSYS || number == EOPNOTSUPP || number == EPERM;
}

/* False if this kernel has no such rules. */
static bool restrict_by(int fd)
{
	if (fd < 0 && is_not_here(errno))
		return false;
	/* E2BIG: the process is in 16 domains already, as a box in a box in a box may be. */
	if (fd < 0 || (syscall(SYS_LANDLOCK_RESTRICT, fd, 0u) < 0 && errno != E2BIG))
		fail("restrict by Landlock", NULL);
	close(fd);
	return true;
}

/*
 * A domain stops its processes from tracing others. The kernel makes no domain without a rule, so this one is about
 * links and renames between directories, and allows them everywhere.
 */
static int make_domain(void)
{
	const struct sys_landlock_ruleset rules = {.fs = REFER};
	const struct {
		uint64_t allowed;
		int32_t parent;
	} __attribute__((packed)) everywhere = {REFER, open("/", O_PATH | O_CLOEXEC)};
	int fd = (int)syscall(SYS_LANDLOCK_CREATE, &rules, sizeof rules.fs, 0u);
	if (fd >= 0 && syscall(SYS_LANDLOCK_ADD_RULE, fd, 1u, &everywhere, 0u) < 0)
		fail("restrict by Landlock", "/");
	descriptor_close(everywhere.parent);
	return fd;
}

void landlock_apply(unsigned scopes)
{
	const struct sys_landlock_ruleset rules = {.scoped = scopes & KERNEL_SCOPES};
	if (rules.scoped && restrict_by((int)syscall(SYS_LANDLOCK_CREATE, &rules, sizeof rules, 0u)))
		return;
	if (scopes & PROCESS_LANDLOCK_TRACE)
		restrict_by(make_domain());
}
