#include "privs/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "privs/cgroup_parent.h"
#include "base/report.h"
#include "base/sys.h"

enum { NAME_TRIES = 100, REMOVE_TRIES = 2000 };

static const struct cgroup *group_limits;
static int parent = -1, outer = -1, inner = -1;
static char name[32];

/*
 * Removes groups that a killed nsbox left behind: they are empty, and no process holds their lock. The process number
 * in the name can't show that nsbox is dead, since each pid namespace has its own numbers.
 */
static void sweep(void)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		int group =
			cgroup_is_ours(entry->d_name) ? openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (group < 0)
			continue;
		if (flock(group, LOCK_EX | LOCK_NB) == 0) {
			unlinkat(group, "box", AT_REMOVEDIR);
			unlinkat(parent, entry->d_name, AT_REMOVEDIR);
		}
		close(group);
	}
	if (list)
		closedir(list);
}

/*
 * Another nsbox may sweep a new group away before it is locked: then ENOENT follows, and the caller tries the next
 * name.
 */
static bool make_pair(int number)
{
	snprintf(name, sizeof name, number ? "nsbox-%d-%d" : "nsbox-%d", (int)getpid(), number);
	if (mkdirat(parent, name, 0755) < 0) {
		if (errno != EEXIST)
			fail("make a control group", name);
		return false;
	}
	outer = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (outer < 0 && errno == ENOENT)
		return false;
	if (outer < 0 || flock(outer, LOCK_EX) < 0 || (mkdirat(outer, "box", 0755) < 0 && errno != ENOENT))
		fail("make a control group", name);
	inner = openat(outer, "box", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return inner >= 0;
}

static void set(int group, const char *file, bool always, const char *format, int64_t value, int64_t second)
{
	char text[48];
	snprintf(text, sizeof text, format, value, second);
	if (!cgroup_write(group, file, text) && (always || errno != ENOENT))
		fail("set limit", file);
}

static void limit(int group)
{
	if (group_limits->memory) {
		set(group, "memory.max", true, "%" PRId64, group_limits->memory, 0);
		/* memory.swap.max needs CONFIG_SWAP, memory.oom.group Linux 4.19. */
		set(group, "memory.swap.max", false, "%" PRId64, 0, 0);
		set(group, "memory.oom.group", false, "%" PRId64, 1, 0);
	}
	if (group_limits->cpu_quota)
		set(group, "cpu.max", true, "%" PRId64 " %" PRId64, group_limits->cpu_quota, group_limits->cpu_period);
	if (group_limits->pids)
		set(group, "pids.max", true, "%" PRId64, group_limits->pids, 0);
}

void cgroup_make(const struct cgroup *limits)
{
	char wanted[64];
	group_limits = limits;
	report_on_failure(cgroup_remove);
	parent = cgroup_find_parent(limits);
	sweep();
	for (int number = 0; !make_pair(number); number++)
		if (number == NAME_TRIES)
			fail("make a control group", name);
	cgroup_controllers(limits, '+', wanted);
	if (*wanted && !cgroup_write(outer, "cgroup.subtree_control", wanted))
		fail("enable controllers", name);
	limit(outer);
	limit(inner);
}

int cgroup_descriptor(void) { return inner; }

void cgroup_enter(void)
{
	if (inner >= 0 && !cgroup_write(inner, "cgroup.procs", "0"))
		fail("enter the control group", name);
}

static int64_t number_of(const char *file, const char *key)
{
	char text[1024];
	if (!cgroup_read(outer, file, text, sizeof text))
		return -1;
	char *line = text;
	while (line && strncmp(line, key, strlen(key)) != 0)
		line = (line = strchr(line, '\n')) ? line + 1 : NULL;
	return line ? strtoll(line + strlen(key), NULL, 10) : -1;
}

bool cgroup_read_usage(struct report_usage *usage)
{
	if (outer < 0)
		return false;
	*usage = (struct report_usage){
		number_of("cpu.stat", "user_usec "),
		number_of("cpu.stat", "system_usec "),
		number_of("memory.peak", ""),
		number_of("memory.events", "oom_kill "),
	};
	return true;
}

/*
 * The kernel prints numbers of our own pid namespace, and 0 for a process that isn't in it. Such a process ends with
 * process 1 of its own pid namespace.
 */
static size_t processes_of(int group, pid_t *list, size_t room)
{
	char text[4096], *rest = text, *end;
	size_t count = 0;
	cgroup_read(group, "cgroup.procs", text, sizeof text);
	for (long pid; count < room && (pid = strtol(rest, &end, 10), end != rest); rest = end)
		if (pid > 0)
			list[count++] = (pid_t)pid;
	return count;
}

/*
 * Kills without cgroup.kill, which came with Linux 5.14. Another process may get a number before we use it, so we open
 * a pidfd first, and kill only if the group still lists the number afterwards.
 */
static void kill_each(int group)
{
	enum { AT_ONCE = 64, TOO_OLD = -2 };
	pid_t first[AT_ONCE], again[AT_ONCE];
	int pidfds[AT_ONCE];
	size_t count = processes_of(group, first, AT_ONCE);
	for (size_t i = 0; i < count; i++) {
		pidfds[i] = sys_pidfd_open(first[i]);
		/* pidfd_open came with Linux 5.3. */
		if (pidfds[i] < 0 && sys_is_refused(errno))
			pidfds[i] = TOO_OLD;
	}
	size_t left = count > 0 ? processes_of(group, again, AT_ONCE) : 0;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < left; k++)
			if (again[k] == first[i] && pidfds[i] >= 0)
				syscall(SYS_PIDFD_SEND_SIGNAL, pidfds[i], SIGKILL, NULL, 0u);
			else if (again[k] == first[i] && pidfds[i] == TOO_OLD)
				kill(first[i], SIGKILL);
		if (pidfds[i] >= 0)
			close(pidfds[i]);
	}
}

/* A box that may write to the hierarchy can have made groups of its own. */
static void remove_below(int group, int depth)
{
	int fd = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		int below = depth > 0 ? openat(group, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (below >= 0) {
			kill_each(below);
			remove_below(below, depth - 1);
			close(below);
		}
		unlinkat(group, entry->d_name, AT_REMOVEDIR);
	}
	if (list)
		closedir(list);
}

void cgroup_remove(void)
{
	enum { DEEPEST = 64 };
	if (outer >= 0)
		cgroup_write(outer, "cgroup.kill", "1");
	/* Killed processes need a moment to end, and a group with processes can't be removed. */
	for (int tries = 0; outer >= 0 && tries < REMOVE_TRIES; tries++) {
		if ((unlinkat(outer, "box", AT_REMOVEDIR) == 0 || errno == ENOENT) &&
			(unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT))
			break;
		remove_below(outer, DEEPEST);
		clock_sleep(1000);
	}
	outer = -1;
	if (group_limits)
		cgroup_leave_parent(group_limits);
}

void cgroup_open(int process, const char *whose)
{
	char same[32], top[PATH_MAX];
	/* Looked up by descriptor, since another process may have its number by now. */
	snprintf(same, sizeof same, "self/fd/%d", process);
	char *path = cgroup_of(same, top);
	if (!path || !cgroup_is_inner(path))
		return;
	inner = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inner < 0)
		fail("open its control group", path);
	snprintf(name, sizeof name, "that of %s", whose);
	free(path);
}
