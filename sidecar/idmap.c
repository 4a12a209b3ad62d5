#include "idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

/* A map is written by one write(2), of less than a page before Linux 4.15. */
static void write_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	ssize_t length = (ssize_t)strlen(text);
	if (fd < 0 || write(fd, text, (size_t)length) != length) {
		if (errno == EPERM || errno == EACCES)
			report_hint("user namespaces may be restricted (AppArmor on Ubuntu 24.04 does so): nsbox doctor tells, and the fix");
		fail("write", name);
	}
	close(fd);
}

static char *text_of(const struct idrange *ranges, size_t count)
{
	char *text = malloc(count * 40 + 1), *end = text;
	if (!text)
		fail("allocate", NULL);
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%lld %lld %lld\n", (long long)ranges[i].inside, (long long)ranges[i].outside, (long long)ranges[i].count);
	return text;
}

static void write_all(const struct idmap *map, const char *directory)
{
	int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		fail("open", directory);
	/* Denied before the group map: whoever could drop a group would gain what is denied to that group (CVE-2014-8989). */
	if (!map->setgroups)
		write_file(dir, "setgroups", "deny");
	write_file(dir, "uid_map", text_of(map->uid, map->uid_count));
	write_file(dir, "gid_map", text_of(map->gid, map->gid_count));
	close(dir);
}

/* The setuid helpers of the shadow suite, from where distributions put them and not from PATH. */
static const char *const helper_directories[] = {"/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"};

static void run_helper(const char *name, const struct idrange *ranges, size_t count, int pid)
{
	char **argv = calloc(count * 3 + 3, sizeof *argv), path[64] = "";
	size_t used = 0;
	int status = -1;
	if (!argv)
		fail("allocate", NULL);
	for (size_t i = 0; i < sizeof helper_directories / sizeof *helper_directories; i++) {
		snprintf(path, sizeof path, "%s/%s", helper_directories[i], name);
		if (access(path, X_OK) == 0)
			break;
	}
	argv[used++] = path;
	(void)!asprintf(&argv[used++], "%d", pid);
	for (size_t i = 0; i < count; i++) {
		(void)!asprintf(&argv[used++], "%lld", (long long)ranges[i].inside);
		(void)!asprintf(&argv[used++], "%lld", (long long)ranges[i].outside);
		(void)!asprintf(&argv[used++], "%lld", (long long)ranges[i].count);
	}
	pid_t helper = fork();
	if (helper == 0) {
		execve(path, argv, (char *[]){NULL});
		report_hint("install the package uidmap (Debian, Ubuntu) or shadow-utils");
		fail("execute", name);
	}
	if (helper < 0 || waitpid(helper, &status, 0) < 0)
		fail("run", name);
	if (status != 0) {
		report_hint("the ranges have to be granted in /etc/subuid and /etc/subgid: nsbox doctor tells");
		fail_plain("the helper refused the map", path);
	}
}

void idmap_write_own(const struct idmap *map)
{
	if (map && map->by == IDMAP_BY_SELF)
		write_all(map, "/proc/self");
}

void idmap_write_for(const struct idmap *map, int pid)
{
	char directory[32];
	snprintf(directory, sizeof directory, "/proc/%d", pid);
	/* PID is our child, which nobody has waited for: its number can't be somebody else's by now. */
	if (map && map->by == IDMAP_BY_PARENT)
		write_all(map, directory);
	if (map && map->by == IDMAP_BY_HELPER) {
		run_helper("newuidmap", map->uid, map->uid_count, pid);
		run_helper("newgidmap", map->gid, map->gid_count, pid);
	}
}
