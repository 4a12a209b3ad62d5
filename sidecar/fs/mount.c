#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "fs/cwd.h"
#include "fs/dev.h"
#include "base/host.h"
#include "fs/rollback.h"
#include "fs/hide.h"
#include "fs/mask.h"
#include "fs/mounted.h"
#include "fs/overlay.h"
#include "fs/own_ancestors.h"
#include "fs/pin.h"
#include "fs/staging.h"
#include "base/report.h"
#include "plan/plan.h"
#include "fs/seal.h"
#include "fs/clean_path.h"
#include "fs/inroot.h"
#include "fs/tree.h"
#include "fs/view.h"

enum { MAX_TRIES = 1000 };

/* The opened sources of each mount of the plan. */
static struct layers *sources;

static struct rlimit descriptors;

/*
 * A mount takes one or two descriptors until it is mounted, and one for each directory that is made on the path to its
 * target.
 */
static size_t descriptors_needed(const struct plan *plan)
{
	enum { OTHERS = 64 };
	/* Those of an image have been opened for their locks already. */
	size_t needed = OTHERS + plan->root->lowers_count * (plan->root->image ? 2 : 1) + plan->root->filesystems_count;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		needed += 2;
		for (const char *c = plan->mounts[i].target; *c; c++)
			needed += *c == '/';
	}
	for (size_t i = 0; i < plan->own_count; i++)
		for (const char *c = plan->own[i]; *c; c++)
			needed += *c == '/';
	return needed;
}

/* Raises the soft limit to the hard one, if the plan needs more descriptors. */
void mounts_raise_limit(const struct plan *plan)
{
	struct rlimit now;
	if (descriptors.rlim_max || prlimit(0, RLIMIT_NOFILE, NULL, &now) < 0 || now.rlim_cur >= descriptors_needed(plan))
		return;
	descriptors = now;
	now.rlim_cur = now.rlim_max;
	prlimit(0, RLIMIT_NOFILE, &now, NULL);
}

void mounts_restore_limit(void)
{
	if (descriptors.rlim_max)
		prlimit(0, RLIMIT_NOFILE, &descriptors, NULL);
}

/* -1 for an optional mount whose source is missing. */
static int open_bind(const struct mount *mount)
{
	const char *source = mount->source;
	int fd = tree_open_host(source);
	if (fd < 0 && mount->optional && (errno == ENOENT || errno == ENOTDIR)) {
		report_left_out(source);
		return -1;
	}
	if (fd < 0)
		fail_hint("bind", source,
			errno == EMFILE   ? "each bind takes a descriptor until it is mounted; raise the hard limit: ulimit -Hn"
			: errno == EINVAL ? "it may lie on an unbindable mount"
							  : host_hint(source, NULL));
	return fd;
}

/* O_NONBLOCK: opening a fifo without a writer must not block. */
static int open_file(const char *source)
{
	struct stat st;
	int fd = host_open(source, O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		fail_hint("copy", source, host_hint(source, NULL));
	if (!S_ISREG(st.st_mode))
		fail_plain("is not a regular file", source);
	return fd;
}

void mounts_open_sources(const struct plan *plan)
{
	if (!plan->mounts_count)
		return;
	sources = calloc(plan->mounts_count, sizeof *sources);
	if (!sources)
		fail("allocate", NULL);
	for (size_t i = 0; i < plan->mounts_count; i++) {
		const struct mount *mount = &plan->mounts[i];
		report_step(STEP_MOUNTS);
		switch ((enum mount_type)mount->type) {
		case MOUNT_BIND: sources[i].lower = open_bind(mount); break;
		case MOUNT_FILE: sources[i].lower = mount->source ? open_file(mount->source) : -1; break;
		case MOUNT_OVERLAY:
			sources[i] = overlay_open((char *const *)&mount->lower, 1, mount->state, NULL, STEP_MOUNTS);
			break;
		case MOUNT_TMPFS:
		case MOUNT_PROC:
		case MOUNT_DEV:
		case MOUNT_DIR:
		case MOUNT_SYMLINK:
		case MOUNT_MASK:
		case MOUNT_HIDE:
		case MOUNT_SOCKETS:
		case MOUNT_PROTECT:
		case MOUNT_VIEW:
		case MOUNT_STASH:
		case MOUNT_PIN:
		case MOUNT_SYSFS:
		case MOUNT_CGROUP: break;
		}
	}
}

/* Whether something comes into the stash; without it the start saves a mount. */
static bool needs_stash(const struct plan *plan)
{
	bool needed = own_ancestors_are_shown();
	for (size_t i = 0; i < plan->mounts_count; i++)
		needed |= plan->mounts[i].type == MOUNT_PIN;
	return needed;
}

bool mounts_need_scratch(const struct plan *plan)
{
	bool stash = needs_stash(plan);
	for (size_t i = 0; i < plan->mounts_count; i++)
		switch ((enum mount_type)plan->mounts[i].type) {
		case MOUNT_FILE:
		case MOUNT_MASK:
		case MOUNT_HIDE:
		case MOUNT_SOCKETS:
		case MOUNT_CGROUP: return true;
		case MOUNT_STASH:
			if (stash)
				return true;
			break;
		case MOUNT_BIND:
		case MOUNT_TMPFS:
		case MOUNT_PROC:
		case MOUNT_DEV:
		case MOUNT_OVERLAY:
		case MOUNT_DIR:
		case MOUNT_SYMLINK:
		case MOUNT_PROTECT:
		case MOUNT_VIEW:
		case MOUNT_PIN:
		case MOUNT_SYSFS: break;
		}
	return false;
}

/* The box that made it may be removing it right now. */
static int make_for_use(const char *path, bool directory, mode_t mode)
{
	int fd = inroot_make(path, directory, mode);
	for (int tries = 0; !rollback_use(fd) && tries < MAX_TRIES; tries++) {
		close(fd);
		clock_sleep(1000);
		fd = inroot_make(path, directory, mode);
	}
	return fd;
}

/* Opens the mount point in the box, and makes it if it is missing. */
static int open_target(const char *path, bool directory)
{
	struct stat st;
	int fd = make_for_use(path, directory, 0755);
	if (fstat(fd, &st) < 0)
		fail("open", path);
	if (S_ISDIR(st.st_mode) != directory)
		fail_plain(directory ? "is not a directory: a directory can't be mounted on it"
							 : "is a directory: a file can't be mounted on it",
			path);
	if (inroot_is_root(fd))
		fail_plain_hint("is the root itself", *path ? path : "/", "to choose the root: --root DIR");
	return fd;
}

static bool is_directory(int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		fail("open", path);
	return S_ISDIR(st.st_mode);
}

static void attach(int tree, int target, unsigned options, const char *path)
{
	if (tree_restrict(tree, options) < 0)
		fail("set mount options", path);
	if (tree_attach(tree, target) < 0)
		fail("mount", path);
	close(target);
	mounted_add(path, tree);
}

static void bind(const struct mount *mount, int opened)
{
	int target = open_target(mount->target, is_directory(opened, mount->source));
	int tree = tree_of(opened);
	if (tree < 0)
		fail("bind", mount->source);
	attach(tree, target, mount->options, mount->target);
}

static void seal_if_asked(const struct mount *mount, int tree)
{
	if (mount->options & ROOT_OPTIONS_RO)
		seal_later(tree, mount->target);
}

static void tmpfs(const struct mount *mount)
{
	char size[24], mode[8];
	struct setting settings[] = {{"source", "tmpfs"}, {"mode", mode}, {"size", size}, {NULL, NULL}};
	snprintf(mode, sizeof mode, "%04o", mount->mode);
	snprintf(size, sizeof size, "%lld", (long long)mount->size);
	if (!mount->size)
		settings[2].key = NULL;
	int target = open_target(mount->target, true);
	int tree = tree_new("tmpfs", (unsigned)mount->options & ~ROOT_OPTIONS_RO, settings);
	if (tree < 0)
		fail_hint("mount tmpfs", mount->target, tree_hint());
	attach(tree, target, 0, mount->target);
	seal_if_asked(mount, tree);
}

static bool proc_hidden;

/* The host's /proc lies there, and the new one must cover it. */
static void look_for_proc(int target, const struct mount *mount, bool host_root)
{
	if (host_root && strcmp(mount->target, "/proc") == 0 && !proc_hidden)
		mask_refuse_elsewhere(target, "proc", mount->target);
}

static void stash(const struct mount *mount, bool host_root)
{
	int target = inroot_make(mount->target, true, 0755);
	look_for_proc(target, mount, host_root);
	pin_stash(target, mount->target);
	close(target);
	/* The stash covers it, whatever has that name later. */
	proc_hidden = host_root && strcmp(mount->target, "/proc") == 0;
}

static void proc(const struct mount *mount, bool host_root)
{
	int target = inroot_make_unlinked(mount->target);
	look_for_proc(target, mount, host_root);
	int tree = tree_new("proc", (unsigned)mount->options, (struct setting[]){{"source", "proc"}, {NULL, NULL}});
	if (tree < 0)
		fail_hint("mount proc", mount->target,
			errno != EPERM
				? tree_hint()
				: "parts of this /proc are covered, as in most containers, and then the kernel allows no new proc mount: --nest shows "
				  "this /proc read-only, with the processes outside of the box; the box keeps a pid namespace of its own");
	attach(tree, target, 0, mount->target);
}

static void overlay(const struct mount *mount, struct layers layers)
{
	int target = open_target(mount->target, true), lower = fcntl(layers.lower, F_DUPFD_CLOEXEC, 3);
	int tree = overlay_attach(layers, target, (unsigned)mount->options & ~ROOT_OPTIONS_RO, mount->target);
	cwd_note_overlay_of(tree, lower, mount->lower);
	descriptor_close(lower);
	mounted_add(mount->target, tree);
	seal_if_asked(mount, tree);
	close(target);
}

static void dir(const struct mount *mount)
{
	struct stat st;
	int fd = make_for_use(mount->target, true, mount->mode);
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		fail_plain("exists, and is not a directory", mount->target);
	close(fd);
}

/* The copy of SOURCE, or of nothing if that is -1, with the text of the mount behind it. */
static int copy_file(const struct mount *mount, int source)
{
	static unsigned number;
	char name[16], buffer[65536];
	const char *what = mount->source ? mount->source : mount->target;
	struct stat st = {.st_mode = 0644};
	ssize_t length = 0;
	snprintf(name, sizeof name, "%u", number++);
	int copy = openat(staging_scratch(), name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (copy < 0 || (source >= 0 && fstat(source, &st) < 0) || fchmod(copy, st.st_mode & 0777) < 0)
		fail("copy", what);
	while (source >= 0 && (length = read(source, buffer, sizeof buffer)) > 0)
		if (!descriptor_write(copy, buffer, (size_t)length))
			fail("copy", what);
	if (length < 0 || (mount->text && !descriptor_write(copy, mount->text, strlen(mount->text))))
		fail("copy", what);
	descriptor_close(source);
	return copy;
}

/* Binds a copy of the file that lies on the scratch tmpfs, so that no write of the box reaches the host. */
static void file(const struct mount *mount, int source)
{
	char path[DESCRIPTOR_NAME];
	int copy = copy_file(mount, source);
	int opened = tree_open(descriptor_name(copy, path)), tree = opened < 0 ? -1 : tree_of(opened);
	if (tree < 0)
		fail("bind", mount->source ? mount->source : mount->target);
	attach(tree, open_target(mount->target, false), ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV, mount->target);
	close(copy);
}

static bool keep(const struct mount *mount)
{
	bool done = mask_protect(mount);
	if (!done && !mount->kernel)
		report_left_out(mount->target);
	return done;
}

/* False: an optional mount was left out. */
static bool apply(const struct plan *plan, const struct mount *mount, const struct layers *opened, bool host_root)
{
	switch ((enum mount_type)mount->type) {
	case MOUNT_BIND: bind(mount, opened->lower); break;
	case MOUNT_TMPFS: tmpfs(mount); break;
	case MOUNT_PROC: proc(mount, host_root); break;
	case MOUNT_DEV: dev_mount(mount); break;
	case MOUNT_OVERLAY: overlay(mount, *opened); break;
	case MOUNT_DIR: dir(mount); break;
	case MOUNT_SYMLINK: inroot_link(mount->target, mount->to); break;
	case MOUNT_MASK: mask_hide(mount); break;
	case MOUNT_HIDE:
	case MOUNT_SOCKETS: hide_matches(mount); break;
	case MOUNT_PROTECT: return keep(mount);
	case MOUNT_SYSFS: mask_sysfs(mount); break;
	case MOUNT_CGROUP: mask_cgroup(mount); break;
	case MOUNT_VIEW: view_mount(plan, mount); break;
	case MOUNT_STASH: stash(mount, host_root); break;
	case MOUNT_PIN: (mount->optional ? pin_apply_there : pin_apply)(mount); break;
	case MOUNT_FILE: file(mount, opened->lower); break;
	}
	return true;
}

void mounts_apply(const struct plan *plan)
{
	bool stash = needs_stash(plan);
	bool host_root = plan_shows_host(plan->root);
	mounted_open_masks_by(seal_open_mask);
	bool left_out = false;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		struct mount mount = plan->mounts[i];
		/* The pins behind it belong to it, but for optional ones. */
		left_out =
			mount.type == MOUNT_PIN ? left_out && !mount.optional : mount.type == MOUNT_BIND && sources[i].lower < 0;
		if (left_out || (mount.type == MOUNT_STASH && !stash))
			continue;
		mount.target = clean_path(mount.target);
		left_out = !apply(plan, &mount, &sources[i], host_root);
	}
	seal_apply();
}
