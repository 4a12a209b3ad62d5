#include "fs/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "fs/staging.h"
#include "base/report.h"
#include "fs/inroot.h"
#include "fs/tree.h"

enum { SEALED = ROOT_OPTIONS_RO | ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV | ROOT_OPTIONS_NOEXEC };

/* Whether the kernel itself shows this, and no file that somebody has put there under its name. */
static bool is_kernels(int fd, const char *path)
{
	const unsigned long proc = 0x9fa0, sysfs = 0x62656572;
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		fail("open", path);
	return (unsigned long)fs.f_type == proc || (unsigned long)fs.f_type == sysfs;
}

/* What is at the target, or -1 if there is nothing to be done: no such thing in this kernel. A link is never followed. */
static int find(const struct mount *mount, int root, struct stat *st)
{
	int fd = inroot_open(root, mount->target, O_NOFOLLOW);
	if (fd < 0 && mount->kernel && (errno == ENOENT || errno == ENOTDIR))
		return -1;
	if (fd < 0 || fstat(fd, st) < 0)
		fail("open", mount->target);
	if (S_ISLNK(st->st_mode) && !mount->kernel)
		fail_plain("is a symbolic link: name what it leads to", mount->target);
	if (mount->kernel && !is_kernels(fd, mount->target)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void attach(int tree, unsigned options, int target, const char *path)
{
	if (tree < 0 || tree_restrict(tree, options) < 0 || tree_attach(tree, target) < 0)
		fail("mask", path);
	close(tree);
	close(target);
}

/* On the scratch tmpfs. */
static int make_empty(bool directory)
{
	const char *name = directory ? "empty-directory" : "empty-file";
	int done = directory ? mkdirat(staging_scratch(), name, 0555) : mknodat(staging_scratch(), name, S_IFREG, 0);
	int fd = done < 0 ? -1 : openat(staging_scratch(), name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		fail("make", name);
	return fd;
}

/* Mounted once, with its options: what the mount API copies from there has them already. mount(2) copies without. */
static int mount_empty(int fd)
{
	int tree = tree_of(tree_hold_at(fd));
	if (tree < 0 || tree_restrict(tree, SEALED) < 0 || tree_attach(tree, fd) < 0)
		fail("mount", "empty");
	close(fd);
	return tree;
}

static int empty(bool directory)
{
	static int first[2] = {-1, -1};
	int *held = &first[directory];
	if (*held < 0)
		*held = tree_is_old() ? make_empty(directory) : mount_empty(make_empty(directory));
	return tree_of(tree_hold_at(*held));
}

void mask_hide(const struct mount *mount, int root)
{
	struct stat st;
	int fd = find(mount, root, &st);
	if (fd < 0)
		return;
	if (inroot_is_root(root, fd))
		fail_plain("is the root itself", mount->target);
	attach(empty(S_ISDIR(st.st_mode)), tree_is_old() ? SEALED : 0, fd, mount->target);
}

void mask_protect(const struct mount *mount, int root)
{
	struct stat st;
	int fd = find(mount, root, &st);
	if (fd < 0)
		return;
	/* Nobody has programs or devices there, even where the host allows them. */
	attach(tree_of(tree_hold_at(fd)), mount->kernel ? SEALED : ROOT_OPTIONS_RO, fd, mount->target);
}

void mask_sysfs(const struct mount *mount, int root)
{
	struct stat st;
	/* Where the root has something of its own there, it stays. */
	const struct mount kernels = {.target = mount->target, .kernel = true};
	int fd = find(&kernels, root, &st);
	if (fd < 0)
		return;
	int tree = tree_new("sysfs", 0, (struct setting[]){{"source", "sysfs"}, {NULL, NULL}});
	if (tree < 0 && errno != EPERM)
		fail("mount sysfs", mount->target);
	if (tree < 0)
		report_warning("the kernel allows no sysfs of the box's own, since parts of the one here are hidden: the host's network devices show in /sys");
	attach(tree < 0 ? tree_of(tree_hold_at(fd)) : tree, SEALED, fd, mount->target);
}

void mask_cgroup(const struct mount *mount, int root)
{
	struct stat st;
	int fd = inroot_open(root, mount->target, O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", mount->target);
	if (!S_ISDIR(st.st_mode))
		return;
	int tree = tree_new("cgroup2", 0, (struct setting[]){{"source", "cgroup"}, {NULL, NULL}});
	report_hint(NULL);
	attach(tree < 0 ? empty(true) : tree, SEALED, fd, mount->target);
}
