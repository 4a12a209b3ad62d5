#include "privs.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

/* System calls, not the C library's functions: those bring all threads along, and we share memory with another process. */
static void set_ids(const struct process *process)
{
	if (process->drop_groups && syscall(SYS_setgroups, 0, NULL) < 0)
		fail("drop supplementary groups", NULL);
	if (process->gid >= 0 && syscall(SYS_setresgid, process->gid, process->gid, process->gid) < 0) {
		if (errno == EINVAL)
			report_hint("the group id is not mapped in the box");
		fail("set group id", NULL);
	}
	if (process->uid >= 0 && syscall(SYS_setresuid, process->uid, process->uid, process->uid) < 0) {
		if (errno == EINVAL)
			report_hint("the user id is not mapped in the box");
		fail("set user id", NULL);
	}
}

void privs_drop(const struct process *process)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}};
	set_ids(process);
	/* The first process of a user namespace has all capabilities there, whoever it is; execve would take them, but init stays. */
	if (geteuid() != 0 && syscall(SYS_capset, &header, none) < 0)
		fail("drop capabilities", NULL);
	if (process->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("set no_new_privs", NULL);
}
