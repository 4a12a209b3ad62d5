#include "process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privs/cgroup.h"
#include "plan/contract.h"
#include "base/report.h"
#include "base/sys.h"

static const struct {
	unsigned name;
	uint64_t flag;
} flags[] = {
	{PLAN_NAMESPACES_USER, CLONE_NEWUSER},
	{PLAN_NAMESPACES_MOUNT, CLONE_NEWNS},
	{PLAN_NAMESPACES_PID, CLONE_NEWPID},
	{PLAN_NAMESPACES_IPC, CLONE_NEWIPC},
	{PLAN_NAMESPACES_UTS, CLONE_NEWUTS},
	{PLAN_NAMESPACES_CGROUP, CLONE_NEWCGROUP},
	{PLAN_NAMESPACES_NET, CLONE_NEWNET},
};

/* Whether process 1 is the init of a box. */
static bool in_box(void)
{
	char name[16] = "";
	int fd = open("/proc/1/comm", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
	if (fd >= 0)
		close(fd);
	return length > 0 && strcmp(name, "box-init\n") == 0;
}

static const char *hint_for_refusal(unsigned namespaces)
{
	bool filtered = prctl(PR_GET_SECCOMP) != 0;
	if (filtered && in_box())
		return "the outer box's filter refuses namespaces: start that box with --allow-userns, and this one with --nest";
	if (!(namespaces & PLAN_NAMESPACES_USER))
		return "root has no cap_sys_admin here, as in most containers: --nest makes a user namespace first, and does without what containers refuse";
	if (filtered)
		return "the seccomp filter here refuses user namespaces. Podman's default filter allows them; docker needs --security-opt "
			   "seccomp=unconfined, or a profile that allows clone, unshare, mount and umount2; for a box of nsbox: --allow-userns";
	return "user namespaces are not allowed here: nsbox doctor shows why, and the fix; in a chroot, ordinary users can't make them";
}

static const char *hint_for_clone(int number, unsigned namespaces)
{
	if (number == EPERM || number == EACCES)
		return hint_for_refusal(namespaces);
	if (number == ENOSPC || number == EUSERS)
		return "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces, and nsbox doctor";
	return report_process_hint();
}

static bool in_cgroup;

/*
 * A kernel without CLONE_INTO_CGROUP (Linux 5.7) returns E2BIG or EINVAL. Another cause of these errors remains without
 * the flag.
 */
static long clone_into(struct sys_clone_args *args, int cgroup)
{
	struct sys_clone_args into = *args;
	into.flags |= INTO_CGROUP;
	into.cgroup = (uint64_t)cgroup;
	long pid = syscall(SYS_CLONE3, &into, sizeof into);
	if (pid < 0)
		pid = syscall(SYS_CLONE3, args, offsetof(struct sys_clone_args, cgroup));
	else
		in_cgroup = true;
	return pid;
}

static long clone_box(unsigned namespaces, int cgroup)
{
	struct sys_clone_args args = {.exit_signal = SIGCHLD};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (namespaces & flags[i].name)
			args.flags |= flags[i].flag;
	/* The top of a new cgroup namespace is the caller's group, so the child makes it once it is in its own group. */
	if (cgroup >= 0)
		args.flags &= ~(uint64_t)CLONE_NEWCGROUP;
	long pid = cgroup >= 0 ? clone_into(&args, cgroup) : syscall(SYS_CLONE3, &args, sizeof args);
	/* Seccomp filters of container engines refuse clone3, since they can't check its arguments in memory. */
	if (pid < 0 && sys_is_refused(errno))
		pid = syscall(SYS_clone, args.flags | SIGCHLD, 0, 0, 0, 0);
	return pid;
}

int spawn_box(unsigned namespaces, int cgroup)
{
	long pid = clone_box(namespaces, cgroup);
	if (pid < 0) {
		int number = errno;
		const char *hint = hint_for_clone(number, namespaces);
		errno = number;
		fail_hint("make a process in new namespaces", NULL, hint);
	}
	return (int)pid;
}

void spawn_enter_cgroup(unsigned namespaces)
{
	if (cgroup_descriptor() < 0)
		return;
	if (!in_cgroup)
		cgroup_enter();
	if ((namespaces & PLAN_NAMESPACES_CGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		fail("make a cgroup namespace", NULL);
}
