#include "namespaces/net.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/procfs.h"
#include "base/report.h"
#include "base/sys.h"

/* The largest group that the kernel's range takes, GID_T_MAX. */
#define MAX_PING_GROUP 2147483647LL

/* Opens the host's /proc, or, if that isn't procfs, a procfs of our own that isn't mounted anywhere. */
static int open_proc(bool own)
{
	int proc = own ? -1 : open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc >= 0 && procfs_shows(proc))
		return proc;
	if (proc >= 0)
		close(proc);
	int fs = sys_fsopen("proc");
	proc = fs >= 0 && sys_fsconfig(fs, FS_CMD_CREATE, NULL, NULL) == 0 ? sys_fsmount(fs, 0) : -1;
	if (fs >= 0)
		close(fs);
	return proc;
}

static int open_in(int proc, const char *path, int flags)
{
	int fd = openat(proc, path, flags | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && !procfs_shows(fd)) {
		close(fd);
		errno = ENOTSUP;
		fd = -1;
	}
	return fd;
}

/* Finds a range of groups whose ends are mapped, and in the same order outside. False if the map can't be read. */
static bool mapped_groups(int proc, char range[64])
{
	char text[16384];
	long long first = -1, last = -1, above = -1;
	int fd = open_in(proc, "self/gid_map", O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = '\0';
	for (char *line = text, *end; *line; line = end + (*end == '\n')) {
		long long inside = strtoll(line, &end, 10), outside = strtoll(end, &end, 10), count = strtoll(end, &end, 10);
		end += strcspn(end, "\n");
		if (first < 0)
			first = inside;
		if (outside > above && inside > last) {
			last = inside + count - 1;
			above = outside;
		}
	}
	snprintf(range, 64, "%lld %lld", first, last < MAX_PING_GROUP ? last : MAX_PING_GROUP);
	return first >= 0;
}

/*
 * The kernel opens the setting of the opener's own net namespace, whatever /proc that is. True also if this kernel has
 * no such setting.
 */
static bool set(const char *path, const char *value)
{
	int proc = open_proc(false), fd = open_in(proc, path, O_WRONLY);
	bool absent = proc >= 0 && fd < 0 && errno == ENOENT;
	if (proc >= 0)
		close(proc);
	/* In a container /proc/sys is read-only; in a procfs of our own it isn't. */
	if (fd < 0 && !absent && (proc = open_proc(true)) >= 0) {
		fd = open_in(proc, path, O_WRONLY);
		close(proc);
	}
	bool done = fd >= 0 && write(fd, value, strlen(value)) > 0;
	if (fd >= 0)
		close(fd);
	return done || absent;
}

void net_open_up(bool ping, bool low_ports)
{
	char range[64];
	int proc = ping ? open_proc(false) : -1;
	bool done = !ping || (proc >= 0 && mapped_groups(proc, range) && set("sys/net/ipv4/ping_group_range", range));
	if (proc >= 0)
		close(proc);
	done = (!low_ports || set("sys/net/ipv4/ip_unprivileged_port_start", "0")) && done;
	if (!done)
		report_warning(
			"the settings of the box's own network can't be written here: ping and ports below 1024 need cap_net_raw "
			"and cap_net_bind_service");
}

void net_raise_loopback(void)
{
	/* Once it is up, the kernel gives it 127.0.0.1 and ::1, netdevice(7). */
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0) {
		fail_hint("bring up", "lo",
			errno != EPERM
				? NULL
				: "root has no cap_net_admin here, as in some containers: --userns gives the box one of its own; if that fails, --nest");
	}
	close(fd);
}
