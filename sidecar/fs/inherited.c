#include "fs/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "plan/contract.h"
#include "base/descriptor.h"
#include "fs/dev.h"
#include "base/report.h"
#include "fs/tree.h"

static int opened[3] = {-1, -1, -1};

/* The device that replaces a descriptor, and the flags to open it with. */
struct device {
	const char *name;
	dev_t number;
	uid_t owner;
	int flags;
};

static bool is_device(int fd, struct device *device)
{
	struct stat st;
	int flags = descriptor_stat(fd, &st) && S_ISCHR(st.st_mode) ? fcntl(fd, F_GETFL) : -1;
	if (flags < 0 || (flags & O_PATH))
		return false;
	/* Only the owner may open with O_NOATIME. */
	*device = (struct device){dev_name(st.st_rdev), st.st_rdev, st.st_uid, (flags & ~O_NOATIME) | O_NOCTTY | O_CLOEXEC};
	return device->name != NULL;
}

static bool has_number(int fd, const struct device *device)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == device->number;
}

/* A read-only mount of the host's device that is attached nowhere. -1 with errno. */
static int device_tree(const struct device *device, char path[32])
{
	snprintf(path, 32, "/dev/%s", device->name);
	int source = tree_open(path), tree = source < 0 ? -1 : tree_of(source);
	if (tree < 0)
		return -1;
	if (tree_restrict(tree, ROOT_OPTIONS_RO | ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NOEXEC) == 0) {
		if (has_number(tree, device))
			return tree;
		errno = ENODEV;
	}
	int number = errno;
	tree_discard(tree);
	errno = number;
	return -1;
}

/* Opens the host's device, and leaves nothing in the mount namespace. */
static int open_hosts(const struct device *device)
{
	char path[32];
	int tree = device_tree(device, path);
	if (tree < 0)
		return -1;
	int fd = descriptor_reopen(tree, false, device->flags), number = errno;
	tree_discard(tree);
	errno = number;
	return fd;
}

/*
 * Opens the host's device through a mount on itself, which goes away with the host's root. Without it, to drop the
 * mount and to look up a name in /proc took 10 % of a start.
 */
static int open_covered(const struct device *device)
{
	static const char *covered;
	char path[32];
	if (covered != device->name) {
		int tree = tree_is_old() ? -1 : device_tree(device, path);
		int node = tree < 0 ? -1 : open(path, O_PATH | O_CLOEXEC);
		if (node >= 0 && tree_attach(tree, node) == 0)
			covered = device->name;
		descriptor_close(node);
		descriptor_close(tree);
	}
	if (covered != device->name)
		return open_hosts(device);
	snprintf(path, sizeof path, "/dev/%s", device->name);
	int fd = open(path, device->flags);
	long flags = fd < 0 ? -1 : descriptor_mount_flags(fd);
	if (flags >= 0 && (flags & ST_RDONLY) && has_number(fd, device))
		return fd;
	descriptor_close(fd);
	errno = ENODEV;
	return -1;
}

/*
 * Opens the device of an entered box, which may have anything at that name. O_NONBLOCK: opening a fifo must not block.
 */
static int open_entered(const struct device *device)
{
	char path[32];
	snprintf(path, sizeof path, "/dev/%s", device->name);
	int fd = open(path, device->flags | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -1;
	long flags = descriptor_mount_flags(fd);
	if (has_number(fd, device) && flags >= 0 && (flags & ST_RDONLY) && fcntl(fd, F_SETFL, device->flags) == 0)
		return fd;
	close(fd);
	return -1;
}

static void replace(int fd, int by, const struct device *device)
{
	if (by >= 0 && dup2(by, fd) == fd) {
		close(by);
		return;
	}
	/* Only the owner could change the node, so others keep the descriptor, such as /dev/tty without a session. */
	if (device->owner != geteuid())
		return;
	fail_hint("open anew", device->name,
		"it is descriptor 0, 1 or 2, and a box could change the host's node through it: redirect that descriptor elsewhere");
}

void inherited_renew(void)
{
	struct device device;
	for (int fd = 0; fd < 3; fd++) {
		if (!is_device(fd, &device))
			continue;
		int by = dev_open(device.name, device.flags);
		replace(fd, by < 0 ? open_covered(&device) : by, &device);
	}
}

void inherited_open(void)
{
	struct device device;
	for (int fd = 0; fd < 3; fd++)
		if (is_device(fd, &device))
			opened[fd] = open_hosts(&device);
}

void inherited_renew_entered(void)
{
	struct device device;
	for (int fd = 0; fd < 3; fd++) {
		if (!is_device(fd, &device))
			continue;
		int by = open_entered(&device);
		replace(fd, by < 0 ? opened[fd] : by, &device);
	}
}
