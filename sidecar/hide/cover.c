#include "hide/cover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "hide/failure.h"

enum { MAX_TRIES = 1000, LINK_NAME = 32 };

static int cover_of[2];
static dev_t device_of[2];
static bool by_mount;

void cover_with(int file, int directory, bool old)
{
	struct stat st;
	cover_of[0] = file;
	cover_of[1] = directory;
	by_mount = old;
	for (int i = 0; i < 2; i++) {
		if (fstat(cover_of[i], &st) < 0)
			failure("open", "what hides files", NULL, errno);
		device_of[i] = st.st_dev;
	}
}

static int attach_old(int cover, int fd)
{
	char from[LINK_NAME], to[LINK_NAME];
	snprintf(from, sizeof from, "/proc/self/fd/%d", cover);
	snprintf(to, sizeof to, "/proc/self/fd/%d", fd);
	return mount(from, to, NULL, MS_BIND, NULL);
}

static int attach_copy(int cover, int fd)
{
	if (by_mount)
		return attach_old(cover, fd);
	int tree = sys_open_tree(cover, "", TREE_CLONE | TREE_CLOEXEC | EMPTY_PATH);
	if (tree < 0)
		return -1;
	int done = sys_move_mount(tree, fd), number = errno;
	close(tree);
	errno = number;
	return done;
}

bool cover_file(int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		failure("open", path, NULL, errno);
	if (attach_copy(cover_of[S_ISDIR(st.st_mode)], fd) == 0)
		return true;
	if (errno != ENOENT)
		failure("hide", path,
			errno == ENOSPC
				? "a mount namespace has at most fs.mount-max mounts: hide a directory in place of many files"
				: NULL,
			errno);
	return false;
}

static bool is_cover(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_dev == device_of[S_ISDIR(st.st_mode)];
}

/*
 * Another file may take the name before the first one is covered, and after that a rename takes the mount away. So the
 * name is looked up again.
 */
bool cover_name(int parent, const char *name, const char *path)
{
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			return tries > 0;
		if (fd < 0)
			failure("open", path, NULL, errno);
		bool done = tries > 0 && is_cover(fd);
		if (!done)
			cover_file(fd, path);
		close(fd);
		if (done)
			return true;
	}
	failure("hide", path, "another process replaces it all the time", EAGAIN);
}
