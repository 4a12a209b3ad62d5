#include "net/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "net/filter.h"

enum { MEMORY = 64 << 20, LOOKUP_DESCRIPTORS = 64 };

/* All rights of Landlock's first version, Linux 5.13, which each later one has. */
#define ALL_RIGHTS ((UINT64_C(1) << 13) - 1)

void confine_become_nobody(void)
{
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		fail("drop groups", NULL);
	if ((setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0) && errno != EINVAL)
		fail("become", "nobody");
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		fail("drop capabilities", NULL);
}

/* A limit that is lower already stays. */
static void lower_limit(int resource, rlim_t most)
{
	struct rlimit limit;
	if (getrlimit(resource, &limit) < 0)
		return;
	if (limit.rlim_max > most)
		limit.rlim_max = most;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

static void allow_reading(int rules, const char *directory)
{
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = open(directory, O_PATH | O_CLOEXEC)};
	if (rule.parent_fd < 0)
		return;
	syscall(SYS_LANDLOCK_ADD_RULE, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u);
	close(rule.parent_fd);
}

/* A file of the host's settings is replaced by another, so all of its directory may be read. */
static void allow_settings(int rules, const char *file)
{
	char path[PATH_MAX];
	if (!realpath(file, path))
		return;
	*strrchr(path, '/') = '\0';
	allow_reading(rules, *path ? path : "/");
}

/* Where the kernel has no Landlock, the filter of calls has to do. */
static void forbid_files(bool but_settings)
{
	const struct landlock_ruleset_attr all = {.handled_access_fs = ALL_RIGHTS};
	int rules = (int)syscall(SYS_LANDLOCK_CREATE, &all, sizeof all.handled_access_fs, 0u);
	if (rules < 0)
		return;
	if (but_settings) {
		static const char *const directories[] = {"/etc", "/run"};
		for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
			allow_reading(rules, directories[i]);
		allow_settings(rules, "/etc/resolv.conf");
		allow_settings(rules, "/etc/hosts");
	}
	if (syscall(SYS_LANDLOCK_RESTRICT, rules, 0u) < 0 && errno != E2BIG)
		fail("restrict by Landlock", NULL);
	close(rules);
}

void confine(enum confine_task task, int parent)
{
	if (geteuid() == 0)
		confine_become_nobody();
	drop_capabilities();
	lower_limit(RLIMIT_CORE, 0);
	lower_limit(RLIMIT_DATA, MEMORY);
	if (task != CONFINE_RELAY)
		lower_limit(RLIMIT_NOFILE, LOOKUP_DESCRIPTORS);
	/* A change of the user has undone both. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("confine a process", NULL);
	if (getppid() != parent)
		_exit(STATUS_FAILED);
	forbid_files(task == CONFINE_LOOKUP);
	if (!filter_install(task))
		fail("install the filter of system calls", NULL);
}
