#include "privs/cgroup_parent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/mountinfo.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"

/* Why no group will do: the first reason that we met, in the group nearest to the caller's. */
static struct {
	const char *what;
	char *path;
	int number;
} reason;
static int stepped_out = -1; /* our own group, if we have left it for one below it */

void cgroup_controllers(const struct cgroup *limits, char sign, char text[64])
{
	char *end = text;
	*end = '\0';
	if (limits->memory)
		end += snprintf(end, 16, "%cmemory ", sign);
	if (limits->cpu_quota)
		end += snprintf(end, 16, "%ccpu ", sign);
	if (limits->pids)
		snprintf(end, 16, "%cpids ", sign);
}

bool cgroup_is_ours(const char *name)
{
	return strncmp(name, "nsbox-", 6) == 0 && name[6] && strspn(name + 6, "0123456789-") == strlen(name + 6);
}

bool cgroup_is_inner(char *path)
{
	char *last = strrchr(path, '/');
	if (!last || strcmp(last, "/box") != 0)
		return false;
	*last = '\0';
	char *above = strrchr(path, '/');
	bool ours = above && cgroup_is_ours(above + 1);
	*last = '/';
	return ours;
}

bool cgroup_read(int group, const char *name, char *text, int room)
{
	int fd = openat(group, name, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, (size_t)room - 1);
	descriptor_close(fd);
	text[length < 0 ? 0 : length] = '\0';
	return length >= 0;
}

bool cgroup_write(int group, const char *name, const char *text)
{
	int fd = openat(group, name, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	descriptor_close(fd);
	return done;
}

struct search {
	const char *group;
	char *path, *top;
};

/* Stores the group's path and stops the search if MOUNT is a mount of the hierarchy that shows the group. */
static int look_at_mount(const struct mountinfo *mount, void *with)
{
	struct search *search = with;
	size_t above = strcmp(mount->top, "/") == 0 ? 0 : strlen(mount->top);
	const char *rest = search->group + above;
	const unsigned long cgroup2 = 0x63677270;
	struct statfs fs;
	/* In a box or a container another mount may cover it, so statfs checks what the path leads to. */
	if (strcmp(mount->type, "cgroup2") != 0 || statfs(mount->path, &fs) < 0 || (unsigned long)fs.f_type != cgroup2)
		return 0;
	if (strncmp(search->group, mount->top, above) != 0 || (*rest != '/' && *rest))
		return 0;
	snprintf(search->top, PATH_MAX, "%s", mount->path);
	return asprintf(&search->path, "%s%s", mount->path, strcmp(rest, "/") == 0 ? "" : rest) < 0 ? -1 : 1;
}

char *cgroup_of(const char *process, char *top)
{
	char name[64];
	size_t length;
	snprintf(name, sizeof name, "/proc/%s/cgroup", process);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char *text = descriptor_read_all(fd, name, &length), *line = text;
	close(fd);
	/* Version 2 has the line "0::/..."; those of version 1 have a number and a name. */
	while (line && strncmp(line, "0::/", 4) != 0)
		line = (line = strchr(line, '\n')) ? line + 1 : NULL;
	struct search search = {line ? line + 3 : NULL, NULL, top};
	if (line) {
		line[strcspn(line, "\n")] = '\0';
		errno = 0;
		mountinfo_below("/", look_at_mount, &search);
	}
	free(text);
	return search.path;
}

static int refuse(int group, const char *what, const char *path, int number)
{
	if (!reason.what) {
		reason.what = what;
		reason.path = strdup(path);
		reason.number = number;
	}
	if (group >= 0)
		close(group);
	return -1;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);
	for (; *list; list += strspn(list, " \n")) {
		size_t next = strcspn(list, " \n");
		if (next == length && strncmp(list, word, length) == 0)
			return true;
		list += next;
	}
	return false;
}

/* The first controller that LIMITS need and LIST lacks, or NULL. */
static const char *lacking(const char *list, const struct cgroup *limits)
{
	if (limits->memory && !has_word(list, "memory"))
		return "memory";
	if (limits->cpu_quota && !has_word(list, "cpu"))
		return "cpu";
	return limits->pids && !has_word(list, "pids") ? "pids" : NULL;
}

/* Whether we are the only process in the group. The file has a 0 for each process outside of our pid namespace. */
static bool is_alone(int group)
{
	char text[64], own[16];
	snprintf(own, sizeof own, "%d\n", (int)getpid());
	return cgroup_read(group, "cgroup.procs", text, sizeof text) && strcmp(text, own) == 0;
}

/*
 * Moves us into a new group below our own, since only a group without processes can give controllers to those below it
 * (the "no internal processes" rule). A service manager that delegated the group to us expects that.
 */
static bool step_out(int group)
{
	if (!is_alone(group) || (mkdirat(group, "nsbox-outside", 0755) < 0 && errno != EEXIST))
		return false;
	if (!cgroup_write(group, "nsbox-outside/cgroup.procs", "0")) {
		unlinkat(group, "nsbox-outside", AT_REMOVEDIR);
		return false;
	}
	stepped_out = dup(group);
	if (stepped_out >= 0)
		fcntl(stepped_out, F_SETFD, FD_CLOEXEC);
	return true;
}

enum effort { AS_IT_IS, ENABLE, STEP_OUT };

static bool is_writable(int group, const char *name) { return syscall(SYS_faccessat, group, name, W_OK) == 0; }

static bool enable(int group, const struct cgroup *limits)
{
	char wanted[64];
	cgroup_controllers(limits, '+', wanted);
	return cgroup_write(group, "cgroup.subtree_control", wanted);
}

/* The directory of the group at PATH, if one below it can have these controllers; or -1. */
static int try_group(const char *path, const struct cgroup *limits, enum effort effort)
{
	char list[256];
	int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Moving a process takes write access to cgroup.procs of the common ancestor of both groups. */
	if (group < 0 || !is_writable(group, ".") || !is_writable(group, "cgroup.procs"))
		return refuse(group, "may not be used by you", path, errno);
	if (!cgroup_read(group, "cgroup.controllers", list, sizeof list))
		return refuse(group, "read the controllers", path, errno);
	const char *missing = lacking(list, limits);
	if (missing)
		return refuse(group, missing, path, 0);
	if (!cgroup_read(group, "cgroup.subtree_control", list, sizeof list))
		return refuse(group, "read the controllers", path, errno);
	if (!lacking(list, limits))
		return group;
	if (effort == AS_IT_IS) {
		close(group);
		return -1;
	}
	if (enable(group, limits) || (errno == EBUSY && effort == STEP_OUT && step_out(group) && enable(group, limits)))
		return group;
	return refuse(group, "can give no controllers to a group below it", path, errno);
}

/* Fails with the most helpful of the reasons. */
static _Noreturn void explain_refusal(const char *top, const struct cgroup *limits)
{
	char list[256] = "", text[64];
	int group = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *missing =
		group >= 0 && cgroup_read(group, "cgroup.controllers", list, sizeof list) ? lacking(list, limits) : NULL;
	if (missing || !reason.number) {
		const char *hint =
			missing
				? "version 1 may have it: boot with systemd.unified_cgroup_hierarchy=1; a container needs it delegated"
				: "a group above must enable it: with systemd, set Delegate=cpu memory pids by systemctl edit user@.service";
		snprintf(text, sizeof text, "cgroup v2 has no controller %s here", missing ? missing : reason.what);
		fail_plain_hint(text, missing ? top : reason.path, hint);
	}
	errno = reason.number;
	fail_hint(reason.what, reason.path,
		reason.number == EROFS ? "the hierarchy is mounted read-only, as in most containers: mount it writable"
		: reason.number == EBUSY
			? "a group with processes can't have groups with limits below it: start nsbox alone in a group, with "
			  "systemd-run --scope -p Delegate=yes nsbox ..."
			: "with systemd you get a group of your own: systemd-run --user --scope -p Delegate=yes nsbox ...");
}

static bool has_limit(int group, const char *file)
{
	char text[64];
	return cgroup_read(group, file, text, sizeof text) && strncmp(text, "max", 3) != 0;
}

/*
 * Shortens PATH to the group above. False if PATH is the top of the mount, or if the box would escape a limit that
 * holds for its caller. pids.max doesn't count: service managers set it on everything that they start.
 */
static bool go_up(char *path, const char *top)
{
	char *last = strrchr(path, '/');
	int group = strcmp(path, top) == 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* An inner group has the same limits as the group above it, which keep holding. */
	bool free_to_go =
		group >= 0 && (cgroup_is_inner(path) || (!has_limit(group, "memory.max") && !has_limit(group, "cpu.max") &&
													!cgroup_is_ours(last + 1)));
	if (group >= 0)
		close(group);
	if (free_to_go)
		*last = '\0';
	return free_to_go;
}

int cgroup_find_parent(const struct cgroup *limits)
{
	char top[PATH_MAX];
	char *own = cgroup_of("self", top);
	if (!own) {
		static const char hint[] =
			"boot with systemd.unified_cgroup_hierarchy=1, or mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup";
		if (errno)
			fail_hint("find our control group", "/proc/self/cgroup", hint);
		fail_plain_hint("no hierarchy of cgroup v2 is mounted that shows ours", NULL, hint);
	}
	int group = try_group(own, limits, STEP_OUT);
	/*
	 * Groups that have the controllers enabled already come first: the settings of other groups belong to their
	 * manager.
	 */
	for (enum effort effort = AS_IT_IS; effort <= ENABLE && group < 0; effort++) {
		char *path = strdup(own);
		while (path && group < 0 && go_up(path, top))
			group = try_group(path, limits, effort);
		free(path);
	}
	if (group < 0)
		explain_refusal(top, limits);
	free(own);
	return group;
}

void cgroup_leave_parent(const struct cgroup *limits)
{
	char wanted[64];
	if (stepped_out < 0)
		return;
	cgroup_controllers(limits, '-', wanted);
	if (cgroup_write(stepped_out, "cgroup.subtree_control", wanted) && cgroup_write(stepped_out, "cgroup.procs", "0"))
		unlinkat(stepped_out, "nsbox-outside", AT_REMOVEDIR);
	stepped_out = -1;
}
