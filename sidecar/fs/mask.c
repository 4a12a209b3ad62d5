#include "fs/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/hide_report.h"
#include "base/mountinfo.h"
#include "base/report.h"
#include "fs/inroot.h"
#include "fs/staging.h"
#include "fs/tree.h"
#include "fs/mounted.h"

/* Whether a mount shows all of its file system, and a path leads to it. */
static int is_whole(const struct mountinfo *mount, void *type)
{
	return !mount->covered && strcmp(mount->type, type) == 0 && strcmp(mount->top, "/") == 0;
}

/*
 * The front end saw that the host has this file system there. If it is gone by now, another process may be swapping
 * names while boxes start, and the box would see it unmasked elsewhere.
 */
void mask_refuse_elsewhere(int target, const char *type, const char *path)
{
	char root[PATH_MAX], link[DESCRIPTOR_NAME], kind[16];
	if (target >= 0 && mounted_on_kernels(target, path))
		return;
	snprintf(kind, sizeof kind, "%s", type);
	if (!descriptor_path(mounted_root(), root))
		fail("read", descriptor_name(mounted_root(), link));
	if (mountinfo_below(root, is_whole, kind) == 0)
		return;
	fail_plain_hint(strcmp(type, "proc") == 0 ? "is not a proc file system, and there is one elsewhere in the root"
											  : "is not a sysfs, and there is one elsewhere in the root",
		path,
		"another process may have renamed it while the box started; nsbox hides parts of it only in its usual place");
}

static bool one_id;

void mask_set_one_id(bool one) { one_id = one; }

/* Whether there is nothing, or nothing that the box could reach: with another id it might, where we can't. */
bool mask_is_out_of_reach(int number) { return number == ENOENT || number == ENOTDIR || (number == EACCES && one_id); }

/*
 * Opens the target, or returns -1 if there is nothing to hide. A link is never followed. If the mount is about a file
 * of the kernel's, a missing one isn't in this kernel, and one on another file system belongs to the root. ST may be
 * NULL for those.
 */
static int find_masked(const struct mount *mount, struct stat *st)
{
	struct mounted *on;
	int fd = inroot_find(mount->target, O_NOFOLLOW, &on);
	if (fd < 0 && mount->kernel && (errno == ENOENT || (errno == ENOTDIR && !mounted_is_kernels(on))))
		return -1;
	if (fd < 0 && mount->optional && mask_is_out_of_reach(errno))
		return -1;
	if (fd < 0 || (st && fstat(fd, st) < 0))
		fail("open", mount->target);
	if (!mount->kernel && S_ISLNK(st->st_mode))
		fail_plain("is a symbolic link: name the file that it leads to", mount->target);
	if (mount->kernel && !mounted_is_kernels(on) && !mounted_on_kernels(fd, mount->target)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The same for the top of the host's sysfs. */
static int find_sysfs(const struct mount *mount)
{
	const struct mount kernels = {.target = mount->target, .kernel = true};
	int fd = find_masked(&kernels, NULL);
	if (fd < 0 && strcmp(mount->target, "/sys") == 0)
		mask_refuse_elsewhere(-1, "sysfs", mount->target);
	return fd;
}

/* TARGET stays open until all descriptors are closed at once. */
static struct mounted *attach_mask(int tree, unsigned options, int target, const char *path)
{
	if (tree < 0 || tree_restrict(tree, options) < 0 || tree_attach(tree, target) < 0)
		fail("mask", path);
	return mounted_add(path, tree);
}

/*
 * A file that nobody can open, on a mount without devices: the number 0:0 belongs to no driver, and an ordinary user
 * may make such a node from Linux 5.8 on. Before, a socket serves: open(2) fails with ENXIO. Programs that look at the
 * type first, as git does, pass over both; and both can be watched, which a file without permissions can't.
 */
static int make_closed(const char *name)
{
	return mknodat(staging_scratch(), name, S_IFCHR | 0444, 0) == 0
			   ? 0
			   : mknodat(staging_scratch(), name, S_IFSOCK | 0444, 0);
}

/* Makes what covers others, on the scratch tmpfs. */
static int make_cover(enum cover cover)
{
	static const char *const names[] = COVER_NAMES;
	const char *name = names[cover];
	int done = cover == COVER_DIRECTORY ? mkdirat(staging_scratch(), name, 0555)
			   : cover == COVER_FILE    ? mknodat(staging_scratch(), name, S_IFREG | 0444, 0)
										: make_closed(name);
	int fd = done < 0 ? -1 : openat(staging_scratch(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("make", name);
	return fd;
}

/* Mounts FD on itself with its options, so that copies by the new mount API have them. Copies by mount(2) lose them. */
static int mount_cover(int fd)
{
	int tree = tree_of(tree_open_at(fd));
	if (tree < 0 || tree_restrict(tree, TREE_SEALED) < 0 || tree_attach(tree, fd) < 0)
		fail("mount", "empty");
	close(fd);
	return tree;
}

static int shared_cover(enum cover cover)
{
	static int first[] = {-1, -1, -1, -1};
	int *shared = &first[cover];
	if (*shared < 0)
		*shared = tree_is_old() ? make_cover(cover) : mount_cover(make_cover(cover));
	return *shared;
}

static int copy_cover(enum cover cover) { return tree_of(tree_open_at(shared_cover(cover))); }

int mask_mounted_cover(enum cover cover)
{
	int shared = shared_cover(cover);
	return tree_is_old() ? mount_cover(descriptor_copy(shared)) : shared;
}

void mask_hide(const struct mount *mount)
{
	struct stat st;
	int fd = find_masked(mount, &st);
	if (fd < 0)
		return;
	/* A target of the kernel may be the top of a procfs or sysfs that is the root itself. */
	if ((!mount->kernel || !*mount->target) && inroot_is_root(fd))
		fail_plain("is the root itself", *mount->target ? mount->target : "/");
	bool directory = S_ISDIR(st.st_mode);
	enum cover cover = directory ? COVER_DIRECTORY : mount->closed ? COVER_CLOSED : COVER_FILE;
	attach_mask(copy_cover(cover), tree_is_old() ? TREE_SEALED : 0, fd, mount->target)->mask = directory;
}

bool mask_protect(const struct mount *mount)
{
	struct stat st;
	int fd = mount->kernel ? find_sysfs(mount) : find_masked(mount, &st);
	if (fd < 0)
		return false;
	/* Files of the kernel's need neither programs nor devices, even if the host's mount allows them. */
	attach_mask(tree_of(tree_open_at(fd)), mount->kernel ? TREE_SEALED : ROOT_OPTIONS_RO, fd, mount->target);
	return true;
}

void mask_sysfs(const struct mount *mount)
{
	/* A directory of the root itself stays. */
	int fd = find_sysfs(mount);
	if (fd < 0)
		return;
	int tree = tree_new("sysfs", 0, (struct setting[]){{"source", "sysfs"}, {NULL, NULL}});
	if (tree < 0 && errno != EPERM)
		fail_hint("mount sysfs", mount->target, tree_hint());
	if (tree < 0)
		report_warning(
			"the kernel allows no new sysfs, since parts of the one here are hidden: /sys shows the host's network devices");
	attach_mask(tree < 0 ? tree_of(tree_open_at(fd)) : tree, TREE_SEALED, fd, mount->target);
}

void mask_cgroup(const struct mount *mount)
{
	struct stat st;
	int fd = inroot_find(mount->target, O_NOFOLLOW, NULL);
	/* Firejail closes the directory above. A directory that we may not enter, the command may not enter either. */
	if (fd < 0 && (errno == ENOENT || errno == EACCES))
		return;
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", mount->target);
	if (!S_ISDIR(st.st_mode))
		return;
	int tree = tree_new("cgroup2", 0, (struct setting[]){{"source", "cgroup"}, {NULL, NULL}});
	attach_mask(tree < 0 ? copy_cover(COVER_DIRECTORY) : tree, TREE_SEALED, fd, mount->target);
}
