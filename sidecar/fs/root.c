#include "fs/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/host.h"
#include "base/mountinfo.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/cwd.h"
#include "fs/filesystem.h"
#include "fs/inroot.h"
#include "fs/mounted.h"
#include "fs/overlay.h"
#include "fs/overlay_split.h"
#include "fs/staging.h"
#include "fs/tree.h"
#include "privs/privileges.h"
#include "fs/view.h"
#include "plan/plan.h"

/*
 * A mount below a directory that becomes an overlay. An overlay shows one file system, so these are bound back,
 * read-only.
 */
struct below {
	char *path;
	int opened;
	struct below *next;
};

static int opened = -1;
static bool was_writable;
static int sealed = -1; /* the root, once it is read-only */
static bool is_split;
static struct layers layers;
static struct below *belows, **belows_end = &belows;

static int open_below(const struct mountinfo *mount, void *with)
{
	const char *inside = mount->inside;
	(void)with;
	if (!*inside)
		return 0;
	for (struct below *other = belows; other; other = other->next) {
		size_t length = strlen(other->path);
		if (strncmp(inside, other->path, length) == 0 && (inside[length] == '/' || inside[length] == '\0'))
			return 0;
	}
	int fd = tree_open_unnamed(mount->path);
	if (fd < 0)
		return 0; /* another mount hides it, or the caller may not reach it */
	struct below *below = malloc(sizeof *below);
	char *path = strdup(inside);
	if (!below || !path)
		fail("allocate", NULL);
	*below = (struct below){path, fd, NULL};
	*belows_end = below;
	belows_end = &below->next;
	return 0;
}

/* Mounts below the only lower directory show in the box, too. With several lower directories their order isn't clear.
 */
static void open_layers(const struct root *root)
{
	char link[DESCRIPTOR_NAME], path[PATH_MAX];
	layers = overlay_open(root->lowers, root->lowers_count, root->state, root->image, STEP_ROOT);
	report_step(STEP_ROOT);
	if (root->scratch)
		overlay_set_scratch(&layers, root->scratch);
	if (root->lowers_count != 1 || root->filesystems_count)
		return;
	if (!descriptor_path(layers.lower, path))
		fail("read", descriptor_name(layers.lower, link));
	is_split = overlay_in_user_namespace() && overlay_split_open(layers.lower, path);
	if (!is_split && mountinfo_below(path, open_below, NULL) < 0)
		fail("read", "/proc/self/mountinfo");
}

static void open_directory(const struct root *root)
{
	struct stat st;
	opened = tree_open_host(root->path);
	if (opened < 0)
		fail_hint("open", root->path, host_hint(root->path, HINT_ROOT));
	if (fstat(opened, &st) == 0 && !S_ISDIR(st.st_mode))
		fail_plain_hint("is not a directory", root->path, HINT_ROOT_FILE);
	long flags = descriptor_mount_flags(opened);
	was_writable = flags >= 0 && !(flags & ST_RDONLY);
}

void root_open_sources(const struct root *root)
{
	report_step(STEP_ROOT);
	switch ((enum root_type)root->type) {
	case ROOT_DIRECTORY: open_directory(root); break;
	case ROOT_LAYERS: open_layers(root); break;
	case ROOT_EMPTY: break;
	}
}

static int attach_layers(const struct root *root)
{
	/* root_seal makes it read-only later. */
	unsigned options = root->options & ~ROOT_OPTIONS_RO;
	const char *name = root->lowers_count ? root->lowers[0] : root->filesystems[0].path;
	for (size_t n = 0; n < root->filesystems_count; n++)
		overlay_add(&layers, filesystem_attach(root, n, staging_target()));
	if (is_split) {
		int top = overlay_split_attach(layers, staging_target(), options, name);
		cwd_note_overlay(top, root, true);
		return top;
	}
	int fd = overlay_attach(layers, staging_target(), options, name);
	mounted_add("", fd);
	for (const struct below *below = belows; below; below = below->next) {
		int target = inroot_open(fd, below->path, 0);
		int tree = tree_of(below->opened);
		if (tree < 0 || tree_restrict(tree, root->options | ROOT_OPTIONS_RO) < 0)
			fail("set mount options", below->path);
		if (target < 0 || tree_attach(tree, target) < 0)
			fail("mount", below->path);
		close(target);
		mounted_add(below->path, tree);
	}
	cwd_note_overlay(fd, root, false);
	return fd;
}

static int attach_directory(const struct root *root)
{
	int tree = tree_of(opened);
	if (tree < 0)
		fail("bind", root->path);
	if (tree_restrict(tree, root->options) < 0)
		fail("set mount options", root->path);
	if (tree_attach(tree, staging_target()) < 0)
		fail("mount", root->path);
	if (root->view)
		tree = view_make(tree, (unsigned)root->options, root->path, NULL);
	/*
	 * Mount points may have to be made in it first. On the host's own root they are made in views, so it stays
	 * read-only.
	 */
	else if (was_writable && strcmp(root->path, "/") != 0 && (root->options & ROOT_OPTIONS_RO) &&
			 tree_set_readonly(tree, false) < 0)
		fail("set mount options", root->path);
	mounted_add("", tree);
	return tree;
}

static int attach_empty(const struct root *root)
{
	char size[24], mode[8];
	struct setting settings[] = {{"source", "tmpfs"}, {"mode", mode}, {"size", size}, {NULL, NULL}};
	snprintf(mode, sizeof mode, "%04o", root->mode);
	snprintf(size, sizeof size, "%lld", (long long)root->size);
	if (!root->size)
		settings[2].key = NULL;
	int tree = tree_new("tmpfs", (unsigned)root->options & ~ROOT_OPTIONS_RO, settings);
	if (tree < 0 || tree_attach(tree, staging_target()) < 0)
		fail_hint("mount tmpfs", "/", tree_hint());
	mounted_add("", tree);
	return tree;
}

int root_attach(const struct root *root)
{
	switch ((enum root_type)root->type) {
	case ROOT_DIRECTORY: return attach_directory(root);
	case ROOT_LAYERS: return attach_layers(root);
	case ROOT_EMPTY: return attach_empty(root);
	}
	fail_plain("unknown type", NULL);
}

void root_seal(const struct root *root, int fd)
{
	if (!(root->options & ROOT_OPTIONS_RO) || (root->type == ROOT_DIRECTORY && !was_writable))
		return;
	sealed = fd;
	descriptor_keep(sealed);
	if (tree_set_readonly(fd, true) < 0 || (is_split && overlay_split_set_readonly() < 0))
		fail("make the root read-only", plan_root_directory(root));
}

bool root_is_sealed(void) { return sealed >= 0; }

void root_unseal(void)
{
	if (sealed >= 0)
		tree_set_readonly(sealed, false);
}

/*
 * Moves the new root over the old one, for a first root file system (initramfs), which can't be pivoted away, and for
 * filters of container engines that refuse pivot_root (moby's does, even with cap_sys_admin). A process with
 * cap_sys_chroot could then unmount the root and enter the old one below it by setns to its own namespace, so that
 * capability is dropped.
 */
static void move_over(bool initramfs)
{
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		fail("move the root", "/");
	enum { CAP_SYS_CHROOT_NUMBER = 18 };
	privileges_forbid(UINT64_C(1) << CAP_SYS_CHROOT_NUMBER);
	report_warning(
		initramfs
			? "pivot_root is refused here (initramfs): used chroot, and dropped cap_sys_chroot"
			: "pivot_root is refused here (by a seccomp filter, as in a container): moved the root over the old one, and dropped cap_sys_chroot");
}

void root_switch(int fd)
{
	if (fchdir(fd) < 0)
		fail("enter the root", NULL);
	/* The old root is stacked on top of the new one, at the same place, so it needs no directory of its own. */
	if (sys_pivot_root(".", ".") < 0) {
		if (!sys_is_refused(errno))
			fail("pivot_root", NULL);
		move_over(errno == EINVAL && prctl(PR_GET_SECCOMP) == 0);
		return;
	}
	if (umount2(".", MNT_DETACH) < 0)
		fail("detach the old root", NULL);
	if (chdir("/") < 0)
		fail("enter the root", "/");
}
