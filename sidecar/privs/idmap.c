#include "privs/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/procfs.h"
#include "base/report.h"

static const struct idmap *writing;

static bool apparmor_restricts(void)
{
	char setting = 0;
	int fd = open("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, &setting, 1) < 0)
		setting = 0;
	if (fd >= 0)
		close(fd);
	return setting == '1';
}

static bool lacks(unsigned capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	return syscall(SYS_capget, &header, data) == 0 && !(data[0].effective >> capability & 1);
}

/*
 * Mapping user 0 takes cap_setfcap from Linux 5.12 on; mapping more than one's own id takes cap_setuid and cap_setgid.
 */
static const char *hint_for(int number)
{
	bool by_parent = writing->by == IDMAP_BY_PARENT, of_root = writing->uid_count > 0 && writing->uid[0].outside == 0;
	if (number == EROFS)
		return "/proc is read-only here, as in a box with --nest, so no id map can be written: no new user namespace works";
	if (apparmor_restricts())
		return "AppArmor restricts user namespaces here (Ubuntu from 23.10 on): nsbox doctor shows the fix";
	if (by_parent && (lacks(CAP_SETUID) || lacks(CAP_SETGID)))
		return "root can't map more than its own id without cap_setuid and cap_setgid, as in some containers: --map-root maps one";
	if (of_root && (!by_parent || lacks(CAP_SETFCAP)))
		return "mapping user 0 takes cap_setfcap, which some containers don't have: run nsbox there as another user";
	return "the ids aren't mapped outside of this box, or a security module forbids it: cat /proc/self/uid_map; nsbox doctor";
}

/* The kernel takes a map by one write(2) only; before Linux 4.15 it must be shorter than a page. */
static void write_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	ssize_t length = (ssize_t)strlen(text);
	if (fd < 0 || write(fd, text, (size_t)length) != length) {
		int number = errno;
		const char *hint = number == EPERM || number == EACCES || number == EROFS ? hint_for(number) : NULL;
		errno = number;
		fail_hint("write", name, hint);
	}
	close(fd);
}

static void write_map(int dir, const char *name, const struct idrange *ranges, size_t count)
{
	enum { ROW = 40 };
	char *text = malloc(count * ROW + 1), *end = text;
	if (!text)
		fail("allocate", NULL);
	for (size_t i = 0; i < count; i++)
		end += snprintf(end, ROW + 1, "%lld %lld %lld\n", (long long)ranges[i].inside, (long long)ranges[i].outside,
			(long long)ranges[i].count);
	write_file(dir, name, text);
	free(text);
}

static void write_all(const struct idmap *map, int dir)
{
	writing = map;
	/* Denied before the group map: a process that drops a group gains what is denied to that group (CVE-2014-8989). */
	if (!map->setgroups)
		write_file(dir, "setgroups", "deny");
	write_map(dir, "uid_map", map->uid, map->uid_count);
	write_map(dir, "gid_map", map->gid, map->gid_count);
}

/*
 * The directory in which distributions put the setuid helpers of the shadow suite. PATH isn't searched: its caller
 * could plant a program.
 */
static const char helper_directories[][18] = {"/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"};

enum { HELPER_PATH = 96 };

static void find_helper(const char *name, char path[HELPER_PATH])
{
	for (size_t i = 0; i < sizeof helper_directories / sizeof *helper_directories; i++) {
		snprintf(path, HELPER_PATH, "%s/%s", helper_directories[i], name);
		if (access(path, X_OK) == 0)
			return;
	}
	fail_hint("execute", name, "install the package uidmap (Debian, Ubuntu) or shadow-utils");
}

static char *number_text(int64_t number)
{
	char *text;
	if (asprintf(&text, "%lld", (long long)number) < 0)
		fail("allocate", NULL);
	return text;
}

static void run_helper(const char *name, const struct idrange *ranges, size_t count, int pid, idmap_run *run)
{
	char **argv = calloc(count * 3 + 3, sizeof *argv), path[HELPER_PATH];
	size_t used = 0;
	if (!argv)
		fail("allocate", NULL);
	find_helper(name, path);
	argv[used++] = path;
	argv[used++] = number_text(pid);
	for (size_t i = 0; i < count; i++) {
		argv[used++] = number_text(ranges[i].inside);
		argv[used++] = number_text(ranges[i].outside);
		argv[used++] = number_text(ranges[i].count);
	}
	bool done = run(path, argv);
	for (size_t i = 1; i < used; i++)
		free(argv[i]);
	free(argv);
	if (!done)
		fail_plain_hint("the helper refused the map", path,
			"/etc/subuid and /etc/subgid must grant the ranges: nsbox doctor shows what they grant");
}

void idmap_get(const struct idmap *map, int link)
{
	int number, process = -1;
	char go;
	/* /proc/self is safe here even if /proc isn't ours: the kernel refuses writes to other processes' maps. */
	if (map->by == IDMAP_BY_SELF)
		process = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		process = procfs_open_self(&number);
	if (process < 0)
		fail_hint("open", "/proc/self", procfs_hint());
	if (map->by == IDMAP_BY_SELF) {
		write_all(map, process);
	} else {
		channel_send_process(link, process, number);
		if (recv(link, &go, 1, 0) != 1)
			_exit(STATUS_FAILED);
	}
	close(process);
}

void idmap_write_for(const struct idmap *map, int process, int number, idmap_run *run)
{
	if (map->by == IDMAP_BY_PARENT)
		write_all(map, process);
	if (map->by == IDMAP_BY_HELPER) {
		run_helper("newuidmap", map->uid, map->uid_count, number, run);
		run_helper("newgidmap", map->gid, map->gid_count, number, run);
	}
}
