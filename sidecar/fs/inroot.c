#include "fs/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/clean_path.h"
#include "fs/make_hint.h"
#include "fs/mount_point.h"
#include "fs/mounted.h"
#include "fs/rollback.h"

enum { MAX_TRIES = 64 };

static bool force_walk;

void inroot_force_walk(void) { force_walk = true; }
/* Opens by openat2. -1 with errno; EAGAIN: our own walk has to try. */
static int open_by_kernel(int dir, const char *path, int flags, uint64_t resolve)
{
	struct sys_open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = resolve};
	/* EAGAIN: the kernel saw a rename or mount meanwhile, which may mislead its "..". Our own walk can't be misled. */
	for (int tries = 0; !force_walk && tries < MAX_TRIES; tries++) {
		int fd = sys_openat2(dir, path, &how);
		if (fd >= 0 || (errno != EAGAIN && !sys_is_refused(errno)))
			return fd;
		force_walk = errno != EAGAIN;
	}
	errno = EAGAIN;
	return -1;
}

int inroot_open(int root, const char *path, int flags)
{
	int fd = open_by_kernel(root, path, flags, RESOLVE_IN_BOX | RESOLVE_NO_MAGIC);
	return fd >= 0 || errno != EAGAIN ? fd : walk_resolve(root, NULL, path, flags, NULL, NULL);
}

int inroot_find(const char *path, int flags, struct mounted **found_on)
{
	size_t length = strlen(path), prefix;
	struct mounted *on = mounted_above(path, length, &prefix);
	int fd = prefix == length ? descriptor_copy(on->fd) :
							  /* Without links, these names lead nowhere but down this mount, and onto those that were
								 bound along with it. */
				 open_by_kernel(on->fd, path + prefix + 1, flags, RESOLVE_DOWN | RESOLVE_NO_LINKS);
	if (fd < 0 && prefix != length && (errno == EAGAIN || errno == ELOOP || errno == EXDEV))
		fd = walk_resolve(mounted_root(), &on, path, flags, NULL, NULL);
	if (found_on)
		*found_on = on;
	return fd;
}

int inroot_walk(const char *path, walk_visit *each)
{
	size_t prefix;
	struct mounted *on = mounted_above(path, strlen(path), &prefix);
	return walk_resolve(mounted_root(), &on, path, O_DIRECTORY, NULL, each);
}

int inroot_make(const char *path, bool directory, mode_t mode)
{
	struct mounted *on = NULL;
	const struct making making = {directory, mode, *path ? path : "/"};
	int fd = inroot_find(path, 0, &on);
	if (fd < 0 && errno == ENOENT && (fd = walk_resolve(mounted_root(), &on, path, 0, &making, NULL)) < 0)
		fail("make mount point", making.path);
	if (fd < 0)
		fail("open", making.path);
	return fd;
}

int inroot_parent(const char *path, const char **name)
{
	const char *last = strrchr(path, '/');
	if (!last)
		fail_plain("is the root itself", "/");
	*name = last + 1;
	char *above = strndup(path, (size_t)(last - path));
	if (!above)
		fail("allocate", NULL);
	int parent = inroot_make(above, true, 0755);
	size_t length = strlen(above), prefix;
	const struct mounted *on = mounted_above(above, length, &prefix);
	if (on->mask && prefix == length) {
		close(parent);
		parent = descriptor_copy(mounted_open_mask(on)->fd);
		if (parent < 0)
			fail("open", path);
	}
	free(above);
	return parent;
}

void inroot_link(const char *path, const char *to)
{
	const char *name;
	char now[PATH_MAX];
	int parent = inroot_parent(path, &name);
	rollback_begin();
	if (symlinkat(to, parent, name) == 0) {
		rollback_remember(parent, name, false);
		report_made(path);
		close(parent);
		return;
	}
	rollback_done();
	if (errno != EEXIST)
		fail_hint("make symbolic link", path, make_hint(parent, clean_path(path)));
	ssize_t length = readlinkat(parent, name, now, sizeof now);
	errno = EEXIST;
	if (length < 0 || (size_t)length != strlen(to) || memcmp(now, to, (size_t)length) != 0)
		fail_hint(
			"make symbolic link", path, "--bind and --file put something over what is there, a symbolic link can't");
	rollback_use_link(parent, name);
	close(parent);
}

/* Opens PATH, and makes it if it is missing; a link in its last component is opened itself. */
static int open_unlinked(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t above = name ? (size_t)(name - path) : 0, prefix;
	const struct mounted *on = mounted_above(path, above, &prefix);
	int fd = -1;
	/* Mostly it is there, directly in the root. */
	if (name && prefix == above && !on->mask)
		fd = openat(on->fd, name + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int parent = inroot_parent(path, &name);
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = mount_point_make(parent, name, true, true, 0755, path);
	descriptor_close(parent);
	return fd;
}

/*
 * For /proc and /dev: if a link of the root led the mount elsewhere, the box would see another directory at that name.
 */
int inroot_make_unlinked(const char *path)
{
	struct stat st;
	size_t length = strlen(path), prefix;
	const struct mounted *on = mounted_above(path, length, &prefix);
	int fd = length && prefix == length ? descriptor_copy(on->fd) : open_unlinked(path);
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", path);
	if (S_ISLNK(st.st_mode))
		fail_plain_hint(
			"is a symbolic link", path, "the root has a symbolic link there; nsbox mounts this on a directory only");
	if (!S_ISDIR(st.st_mode))
		fail_plain("is not a directory", path);
	return fd;
}

bool inroot_is_root(int fd)
{
	/* Read once, since the root stays the same. */
	static struct sys_statx a;
	struct sys_statx b;
	if ((!a.mask && sys_statx(mounted_root(), &a) < 0) || sys_statx(fd, &b) < 0)
		return false;
	bool same = a.inode == b.inode && a.device_major == b.device_major && a.device_minor == b.device_minor;
	/* The mount id came with Linux 5.8. An older kernel has us take the same directory for the same mount. */
	return same && (!(a.mask & b.mask & WANT_MOUNT_ID) || a.mount_id == b.mount_id);
}
