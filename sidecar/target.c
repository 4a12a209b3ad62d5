#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "made.h"
#include "report.h"
#include "sys.h"

enum { MAX_LINKS = 40, MAX_DEPTH = 256, MAX_TRIES = 64 };

static bool force_walk;

void target_force_walk(void) { force_walk = true; }

/* A stack of directories from the root down, so that ".." never needs the kernel's idea of a parent. */
struct walk { int fds[MAX_DEPTH]; int depth; int links; };

static int walk_fail(struct walk *w, int number)
{
	while (w->depth > 0)
		close(w->fds[--w->depth]);
	errno = number;
	return -1;
}

/* Read the link NAME in the current directory and put it in front of REST in BUFFER. */
static int walk_link(struct walk *w, int link, const char *rest, char *buffer, size_t size)
{
	char to[PATH_MAX];
	ssize_t length = readlinkat(link, "", to, sizeof to - 1);
	if (length < 0)
		return -1;
	to[length] = '\0';
	char *joined = NULL;
	if (asprintf(&joined, "%s/%s", to, rest) < 0 || strlen(joined) >= size || ++w->links > MAX_LINKS) {
		free(joined);
		errno = ELOOP;
		return -1;
	}
	strcpy(buffer, joined);
	free(joined);
	if (to[0] == '/')
		while (w->depth > 1)
			close(w->fds[--w->depth]);
	return 0;
}

/*
 * openat2 with RESOLVE_IN_ROOT done by hand: one component at a time, links read and followed from the root, ".." by our
 * own stack. Where a directory is moved while we walk, we stay in the one that we opened.
 */
static int walk_open(int root, const char *path, int flags)
{
	struct walk w = {.depth = 1};
	char rest[PATH_MAX * 2];
	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(rest, path);
	w.fds[0] = fcntl(root, F_DUPFD_CLOEXEC, 0);
	for (;;) {
		char *name = rest + strspn(rest, "/");
		if (!*name)
			break;
		size_t length = strcspn(name, "/");
		char *after = name + length + strspn(name + length, "/");
		bool last = !*after;
		name[length] = '\0';
		if (strcmp(name, ".") == 0) {
			memmove(rest, after, strlen(after) + 1);
			continue;
		}
		if (strcmp(name, "..") == 0) {
			if (w.depth > 1)
				close(w.fds[--w.depth]);
			memmove(rest, after, strlen(after) + 1);
			continue;
		}
		int fd = openat(w.fds[w.depth - 1], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;
		if (fd < 0 || fstat(fd, &st) < 0 || w.depth == MAX_DEPTH)
			return walk_fail(&w, fd < 0 ? errno : ENAMETOOLONG);
		if (S_ISLNK(st.st_mode) && last && (flags & O_NOFOLLOW)) {
			/* The link itself, as with O_PATH it is. */
			w.fds[w.depth++] = fd;
			break;
		}
		if (S_ISLNK(st.st_mode)) {
			int bad = 0;
			char copy[PATH_MAX * 2];
			strcpy(copy, after);
			if (!bad && walk_link(&w, fd, copy, rest, sizeof rest) < 0)
				bad = errno;
			close(fd);
			if (bad)
				return walk_fail(&w, bad);
			continue;
		}
		w.fds[w.depth++] = fd;
		if (!S_ISDIR(st.st_mode) && (!last || (flags & O_DIRECTORY)))
			return walk_fail(&w, ENOTDIR);
		memmove(rest, after, strlen(after) + 1);
	}
	int found = w.fds[--w.depth];
	walk_fail(&w, 0);
	return found;
}

int target_open(int root, const char *path, int flags)
{
	struct sys_open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = RESOLVE_IN_BOX | RESOLVE_NO_MAGIC};
	/* EAGAIN: a rename elsewhere could have led a ".." astray, and the kernel asks to try again. Our walk is not misled. */
	for (int tries = 0; !force_walk && tries < MAX_TRIES; tries++) {
		int fd = sys_openat2(root, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != ENOSYS && errno != EPERM))
			return fd;
		/* EPERM is what older seccomp filters of container engines say to calls that they don't know. */
		force_walk = errno != EAGAIN;
	}
	return walk_open(root, path, flags);
}

int target_parent(int root, const char *path, const char **name)
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
	int parent = target_make(root, *above ? above : "/", true, 0755);
	free(above);
	return parent;
}

void target_link(int root, const char *path, const char *to)
{
	const char *name;
	char now[PATH_MAX];
	int parent = target_parent(root, path, &name);
	if (symlinkat(to, parent, name) == 0) {
		made_remember(parent, name, false);
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
	made_remember(parent, name, directory);
	if (directory && (mode & 07000) && set_special_bits(parent, name, mode) < 0)
		fail("set the mode", path);
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("open", path);
	return fd;
}

/* For /proc and /dev: what looks there for them must find them, and not what a link of the root points at. */
int target_make_unlinked(int root, const char *path)
{
	struct stat st;
	const char *name;
	/* By its last component alone: behind a slash or a dot the kernel would follow the link. */
	int parent = target_parent(root, path, &name);
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

bool target_is_root(int root, int fd)
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

int target_make(int root, const char *path, bool directory, mode_t mode)
{
	int fd = target_open(root, path, 0);
	if (fd >= 0 || errno != ENOENT) {
		if (fd < 0)
			fail("open", path);
		return fd;
	}
	const char *name;
	int parent = target_parent(root, path, &name);
	fd = make_in(parent, name, directory, mode, path);
	/* Another box on the same root may have made it meanwhile. */
	if (fd < 0 && errno == EEXIST && (fd = target_open(root, path, 0)) < 0) {
		report_hint("it is a symbolic link to something that is not in the box");
		errno = EEXIST;
	}
	if (fd < 0)
		fail("make mount point", path);
	close(parent);
	free((char *)name);
	return fd;
}
