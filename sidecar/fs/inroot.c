#include "fs/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/rollback.h"
#include "base/report.h"
#include "base/sys.h"

enum { MAX_LINKS = 40, MAX_DEPTH = 256, MAX_TRIES = 64 };

static bool force_walk;

void inroot_force_walk(void) { force_walk = true; }

/*
 * A stack of directories from the root down, so that ".." never needs the kernel's idea of a parent; and the text that is
 * still to be walked.
 */
struct walk { int fds[MAX_DEPTH]; int depth, links; char rest[PATH_MAX * 2]; };

static int walk_fail(struct walk *w, int number)
{
	while (w->depth > 0)
		close(w->fds[--w->depth]);
	errno = number;
	return -1;
}

/* Take the next component off the text: 0 at its end, -1 for one that no file system has. */
static int walk_next(struct walk *w, char name[NAME_MAX + 1])
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t length = strcspn(start, "/");
	if (length > NAME_MAX)
		return -1;
	memcpy(name, start, length);
	name[length] = '\0';
	memmove(w->rest, start + length, strlen(start + length) + 1);
	return length > 0;
}

/* What the link says comes before the rest of the text. */
static int walk_link(struct walk *w, int link)
{
	char to[PATH_MAX];
	size_t rest = strlen(w->rest);
	ssize_t length = readlinkat(link, "", to, sizeof to);
	if (length < 0)
		return -1;
	if (++w->links > MAX_LINKS || (size_t)length + rest >= sizeof w->rest) {
		errno = w->links > MAX_LINKS ? ELOOP : ENAMETOOLONG;
		return -1;
	}
	memmove(w->rest + length, w->rest, rest + 1);
	memcpy(w->rest, to, (size_t)length);
	if (to[0] == '/')
		while (w->depth > 1)
			close(w->fds[--w->depth]);
	return 0;
}

/* Into the directory NAME of the one that we are in, or, as the last step, onto what is there. */
static int walk_enter(struct walk *w, const char *name, int flags)
{
	bool last = !*w->rest;
	struct stat st;
	int number = 0, fd = openat(w->fds[w->depth - 1], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		number = errno;
	else if (S_ISLNK(st.st_mode) && !(last && (flags & O_NOFOLLOW)))
		number = walk_link(w, fd) < 0 ? errno : 0;
	else if (!S_ISDIR(st.st_mode) && (!last || (flags & O_DIRECTORY)))
		number = ENOTDIR;
	else if (w->depth == MAX_DEPTH)
		number = ENAMETOOLONG;
	else
		return w->fds[w->depth++] = fd;
	close(fd);
	errno = number;
	return number ? -1 : 0;
}

/*
 * openat2 with RESOLVE_IN_ROOT done by hand: one component at a time, links read and followed from the root, ".." by our
 * own stack. Where a directory is moved while we walk, we stay in the one that we opened.
 */
static int walk_open(int root, const char *path, int flags)
{
	struct walk w = {.depth = 1};
	char name[NAME_MAX + 1];
	int more;
	size_t length = strlen(path);
	if (length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(w.rest, path, length + 1);
	w.fds[0] = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if (w.fds[0] < 0)
		return -1;
	while ((more = walk_next(&w, name)) > 0) {
		if (strcmp(name, ".") == 0)
			continue;
		bool up = strcmp(name, "..") == 0;
		if (up && w.depth > 1)
			close(w.fds[--w.depth]);
		else if (!up && walk_enter(&w, name, flags) < 0)
			return walk_fail(&w, errno);
	}
	if (more < 0)
		return walk_fail(&w, ENAMETOOLONG);
	int found = w.fds[--w.depth];
	walk_fail(&w, 0);
	return found;
}

int inroot_open(int root, const char *path, int flags)
{
	struct sys_open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = RESOLVE_IN_BOX | RESOLVE_NO_MAGIC};
	/* EAGAIN: a rename elsewhere could have led a ".." astray, and the kernel asks to try again. Our walk is not misled. */
	for (int tries = 0; !force_walk && tries < MAX_TRIES; tries++) {
		int fd = sys_openat2(root, path, &how);
		if (fd >= 0 || (errno != EAGAIN && !sys_is_refused(errno)))
			return fd;
		force_walk = errno != EAGAIN;
	}
	return walk_open(root, path, flags);
}

int inroot_parent(int root, const char *path, const char **name)
{
	size_t end = strlen(path);
	while (end > 1 && path[end - 1] == '/')
		end--;
	size_t start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	char *last = strndup(path + start, end - start);
	if (!last)
		fail("allocate", NULL);
	if (!*last)
		fail_plain("is the root itself", path);
	if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		fail_plain("ends in . or .., and so names nothing that can be made", path);
	*name = last;
	char *above = strndup(path, start);
	if (!above)
		fail("allocate", NULL);
	int parent = inroot_make(root, *above ? above : "/", true, 0755);
	free(above);
	return parent;
}

void inroot_link(int root, const char *path, const char *to)
{
	const char *name;
	char now[PATH_MAX];
	int parent = inroot_parent(root, path, &name);
	if (symlinkat(to, parent, name) == 0) {
		rollback_remember(parent, name, false);
	} else if (errno != EEXIST) {
		fail("make symbolic link", path);
	} else {
		ssize_t length = readlinkat(parent, name, now, sizeof now);
		errno = EEXIST;
		if (length < 0 || (size_t)length != strlen(to) || memcmp(now, to, (size_t)length) != 0)
			fail("make symbolic link", path);
	}
	close(parent);
	free((char *)name);
}

/* mkdirat(2) knows no set-id and no sticky bit. */
static int set_special_bits(int parent, const char *name, mode_t mode)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int done = fd < 0 ? -1 : fchmod(fd, mode);
	int number = errno;
	close(fd);
	errno = number;
	return done;
}

/* A new directory or empty file, O_PATH. -1 with EEXIST if something is there by now; fails by fail() otherwise. */
static int make_in(int parent, const char *name, bool directory, mode_t mode, const char *path)
{
	int done = directory ? mkdirat(parent, name, mode) : openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
	if (done < 0) {
		if (errno == EEXIST)
			return -1;
		if (errno == EACCES || errno == EROFS || errno == EPERM)
			report_hint("the mount point does not exist and can't be made there; make it first, or use --overlay");
		fail("make mount point", path);
	}
	if (!directory)
		close(done);
	rollback_remember(parent, name, directory);
	if (directory && (mode & 07000) && set_special_bits(parent, name, mode) < 0)
		fail("set the mode", path);
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("open", path);
	return fd;
}

/* For /proc and /dev: what looks there for them must find them, and not what a link of the root points at. */
int inroot_make_unlinked(int root, const char *path)
{
	struct stat st;
	const char *name;
	/* By its last component alone: behind a slash or a dot the kernel would follow the link. */
	int parent = inroot_parent(root, path, &name);
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = make_in(parent, name, true, 0755, path);
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", path);
	if (S_ISLNK(st.st_mode)) {
		report_hint("the root has a symbolic link there; nsbox mounts this on a directory only");
		fail_plain("is a symbolic link", path);
	}
	if (!S_ISDIR(st.st_mode))
		fail_plain("is not a directory", path);
	close(parent);
	free((char *)name);
	return fd;
}

bool inroot_is_root(int root, int fd)
{
	/* Of the root, which stays the same. */
	static struct sys_statx a;
	struct sys_statx b;
	if ((!a.mask && sys_statx(root, &a) < 0) || sys_statx(fd, &b) < 0)
		return false;
	bool same = a.inode == b.inode && a.device_major == b.device_major && a.device_minor == b.device_minor;
	/* Before Linux 5.8 there is no mount id: the same directory then is taken for the same mount. */
	return same && (!(a.mask & b.mask & WANT_MOUNT_ID) || a.mount_id == b.mount_id);
}

int inroot_make(int root, const char *path, bool directory, mode_t mode)
{
	int fd = inroot_open(root, path, 0);
	if (fd >= 0 || errno != ENOENT) {
		if (fd < 0)
			fail("open", path);
		return fd;
	}
	const char *name;
	int parent = inroot_parent(root, path, &name);
	fd = make_in(parent, name, directory, mode, path);
	/* Another box on the same root may have made it meanwhile. */
	if (fd < 0 && errno == EEXIST && (fd = inroot_open(root, path, 0)) < 0) {
		report_hint("it is a symbolic link to something that is not in the box");
		errno = EEXIST;
	}
	if (fd < 0)
		fail("make mount point", path);
	close(parent);
	free((char *)name);
	return fd;
}
