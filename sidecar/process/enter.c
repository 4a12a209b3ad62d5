#include "process/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/procfs.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "privs/cgroup.h"
#include "privs/privileges.h"
#include "process/spawn.h"

/*
 * In the order of joining: the user namespace gives the privileges for the others, and the mount namespace comes last,
 * since paths lead elsewhere after it. Joining a pid namespace counts for children only, setns(2).
 */
static struct {
	char name[10];
	unsigned word;
	int flag, fd;
} namespaces[] = {
	{"ns/user", PLAN_NAMESPACES_USER, CLONE_NEWUSER, -1},
	{"ns/pid", PLAN_NAMESPACES_PID, CLONE_NEWPID, -1},
	{"ns/ipc", PLAN_NAMESPACES_IPC, CLONE_NEWIPC, -1},
	{"ns/uts", PLAN_NAMESPACES_UTS, CLONE_NEWUTS, -1},
	{"ns/cgroup", PLAN_NAMESPACES_CGROUP, CLONE_NEWCGROUP, -1},
	{"ns/net", PLAN_NAMESPACES_NET, CLONE_NEWNET, -1},
	{"ns/mnt", PLAN_NAMESPACES_MOUNT, CLONE_NEWNS, -1},
};
enum { COUNT = sizeof namespaces / sizeof *namespaces, BEFORE_FORK = 2 };

static char name[32]; /* the process, for messages */

/*
 * The start time, field 22 of proc(5)'s stat. The search starts behind the last parenthesis: the process name may hold
 * anything.
 */
static long long start_of(int process)
{
	char text[1024];
	int fd = openat(process, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (length < 0)
		fail("read", name);
	close(fd);
	text[length] = '\0';
	char *field = strrchr(text, ')');
	for (int n = 2; field && n < 22; n++)
		field = strchr(field + 1, ' ');
	return field ? strtoll(field, NULL, 10) : -1;
}

/*
 * Whether the box lacks cap_sys_chroot, because its root was moved over the old one (root.c). Entering must not bring
 * it back.
 */
static bool lacks_chroot(int process)
{
	char text[4096];
	int fd = openat(process, "status", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (length < 0)
		fail("read", name);
	close(fd);
	text[length] = '\0';
	const char *bounding = strstr(text, "\nCapBnd:");
	return !bounding || !(strtoull(bounding + strlen("\nCapBnd:"), NULL, 16) >> CAP_SYS_CHROOT & 1);
}

static void open_namespace(int process, size_t n)
{
	char own[32];
	struct stat theirs, ours;
	namespaces[n].fd = openat(process, namespaces[n].name, O_RDONLY | O_CLOEXEC);
	if (namespaces[n].fd < 0)
		fail_hint("open its namespace", namespaces[n].name,
			errno == EACCES ? "it belongs to another user, or hides itself from its owner" : NULL);
	snprintf(own, sizeof own, "/proc/self/%s", namespaces[n].name);
	if (fstat(namespaces[n].fd, &theirs) < 0 || stat(own, &ours) < 0)
		fail("look at", own);
	if (is_same_file(&theirs, &ours))
		fail_plain("it is in our own namespace, so it isn't in a box", namespaces[n].name);
}

void enter_open(const struct enter *enter, unsigned wanted)
{
	procfs_refuse_foreign();
	snprintf(name, sizeof name, "/proc/%lld", (long long)enter->pid);
	/* The directory stays that of this very process: once the process has ended, everything in it fails with ESRCH. */
	int process = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0 || start_of(process) != enter->started)
		fail_plain_hint("another process has that number now", name, "the box has ended");
	if (lacks_chroot(process))
		privileges_forbid(UINT64_C(1) << CAP_SYS_CHROOT);
	for (size_t n = 0; n < COUNT; n++)
		if (wanted & namespaces[n].word)
			open_namespace(process, n);
	cgroup_open(process, name);
	close(process);
}

static void join(size_t first, size_t end)
{
	for (size_t n = first; n < end; n++)
		if (namespaces[n].fd >= 0 && setns(namespaces[n].fd, namespaces[n].flag) < 0)
			fail_hint("join the namespace", namespaces[n].name,
				errno == EPERM ? "only the user who started a box can enter it" : NULL);
}

int enter_spawn(void)
{
	/* We get all capabilities in the box's user namespace, so its processes must not trace us. */
	prctl(PR_SET_DUMPABLE, 0);
	join(0, BEFORE_FORK);
	return spawn_box(0, cgroup_descriptor());
}

void enter_join(void) { join(BEFORE_FORK, COUNT); }
