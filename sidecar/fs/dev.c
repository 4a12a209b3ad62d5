#include "fs/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "fs/inroot.h"
#include "fs/tree.h"
#include "fs/mounted.h"

/* Numbers from the kernel's Documentation/admin-guide/devices.txt. */
static const struct {
	char name[8];
	unsigned major, minor;
} devices[] = {
	{"null", 1, 3},
	{"zero", 1, 5},
	{"full", 1, 7},
	{"random", 1, 8},
	{"urandom", 1, 9},
	{"tty", 5, 0},
};

static const struct {
	char name[8], to[16];
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
};

/* The directory of the box's own devices, or -1. */
static int own = -1;

const char *dev_name(dev_t number)
{
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
		if (number == makedev(devices[i].major, devices[i].minor))
			return devices[i].name;
	return NULL;
}

int dev_open(const char *name, int flags)
{
	errno = ENODEV;
	return own < 0 ? -1 : openat(own, name, flags | O_NOFOLLOW);
}

/*
 * Binds a device of the host, after a check that it is the expected one. The mount is read-only, so that the box can't
 * change the mode, owner and times of the host's node. Its descriptor stays open until all are closed at once.
 */
static void bind_device(int dev, const char *path, dev_t number, const char *name)
{
	struct stat st;
	int opened = tree_open(path);
	if (opened < 0)
		fail("bind", path);
	if (fstat(opened, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != number)
		fail_plain("is another device, or not a device", path);
	if (mknodat(dev, name, S_IFREG | 0666, 0) < 0)
		fail("make mount point", name);
	int tree = tree_of(opened);
	if (tree < 0 || tree_restrict(tree, ROOT_OPTIONS_RO | ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NOEXEC) < 0 ||
		tree_attach_at(tree, dev, name) < 0)
		fail("bind", path);
}

/* Makes a directory in the new /dev, and mounts TREE on it. */
static void attach_in_dev(int tree, int dev, const char *name, const char *what)
{
	if (mkdirat(dev, name, 0755) < 0)
		fail("make mount point", name);
	if (tree_attach_at(tree, dev, name) < 0)
		fail(what, name);
}

/* Group 5 is "tty" on all systems. EINVAL: our user namespace, or one above it, doesn't map that group. */
static int new_pts(void)
{
	struct setting settings[] = {{"source", "devpts"}, {"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"},
		{"gid", "5"}, {NULL, NULL}};
	const unsigned options = ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NOEXEC;
	int tree = tree_new("devpts", options, settings);
	if (tree < 0 && errno == EINVAL) {
		settings[4].key = NULL;
		tree = tree_new("devpts", options, settings);
	}
	return tree;
}

static void mount_pts(int dev)
{
	int tree = new_pts();
	if (tree < 0)
		fail_hint("mount devpts", "pts", tree_hint());
	attach_in_dev(tree, dev, "pts", "mount devpts");
}

static bool is_same_device(const char *path, const struct stat *file)
{
	struct stat there;
	return stat(path, &there) == 0 && is_same_file(&there, file) && there.st_rdev == file->st_rdev;
}

/*
 * Binds the caller's terminal to /dev/console, so that ttyname(3) finds it. Its path is a hint only, so the file is
 * compared. If nsbox itself runs in a box, the path means nothing, and the terminal is /dev/console. Programs can do
 * without the name of any other terminal.
 */
static void bind_console(int dev)
{
	char path[PATH_MAX];
	struct stat ours;
	for (int fd = 0; fd < 3; fd++) {
		if (!descriptor_may_be_terminal(fd) || !isatty(fd) || !descriptor_stat(fd, &ours))
			continue;
		const char *found = descriptor_path(fd, path) && is_same_device(path, &ours) ? path
							: is_same_device("/dev/console", &ours)                  ? "/dev/console"
																					 : NULL;
		if (!found)
			continue;
		bind_device(dev, found, ours.st_rdev, "console");
		return;
	}
}

void dev_mount(const struct mount *mount)
{
	int target = inroot_make_unlinked(mount->target);
	/* "nodev", so that no node that the box makes here works: the devices have mounts of their own. */
	const unsigned options = ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV | ROOT_OPTIONS_NOEXEC;
	int dev = tree_new(
		"tmpfs", options, (struct setting[]){{"source", "tmpfs"}, {"mode", "0755"}, {"size", "1m"}, {NULL, NULL}});
	if (dev < 0 || tree_attach(dev, target) < 0)
		fail_hint("mount tmpfs", mount->target, tree_hint());
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
		char path[32];
		snprintf(path, sizeof path, "/dev/%.7s", devices[i].name);
		bind_device(dev, path, makedev(devices[i].major, devices[i].minor), devices[i].name);
	}
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (symlinkat(links[i].to, dev, links[i].name) < 0)
			fail("make symbolic link", links[i].name);
	mount_pts(dev);
	bind_console(dev);
	int shm = tree_new("tmpfs", options, (struct setting[]){{"source", "tmpfs"}, {"mode", "1777"}, {NULL, NULL}});
	if (shm < 0)
		fail("mount tmpfs", "shm");
	attach_in_dev(shm, dev, "shm", "mount tmpfs");
	close(target);
	mounted_add(mount->target, dev);
	own = dev;
}
