#include "fs/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "fs/rollback.h"

/* src/image/layers.ts knows it, too. */
static const char prefix[] = "changes-";
enum { NAME_SIZE = sizeof prefix + 3 * sizeof(unsigned) };

/* Opens a directory for all that is done in it, whatever its mode. It is changed by descriptor, never behind a link. */
static int open_changeable(int parent, const char *name)
{
	char path[DESCRIPTOR_NAME];
	int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int opened = chmod(descriptor_name(fd, path), 0700) < 0 ? -1 : descriptor_reopen(fd, true, O_RDONLY | O_DIRECTORY);
	close(fd);
	return opened;
}

/* Moves the directory NAME in FROM to another name in TOP. */
static bool move_up(int top, int from, const char *name)
{
	static unsigned number;
	char other[3 * sizeof number];
	int fd = open_changeable(from, name), moved;
	if (fd < 0)
		return false;
	close(fd);
	do
		snprintf(other, sizeof other, "%u", number++);
	while ((moved = renameat(from, name, top, other)) < 0 && (errno == EEXIST || errno == ENOTEMPTY));
	return moved == 0;
}

/*
 * Removes what is in DIRECTORY; directories in it move to TOP, or are emptied where that is DIRECTORY itself. So the
 * stack and the descriptors suffice for any depth.
 */
static bool empty_into(int top, int directory)
{
	int copy = descriptor_copy(directory);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	bool done = list != NULL;
	if (list)
		rewinddir(list);
	for (struct dirent *entry; done && (entry = readdir(list));) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(directory, name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR) {
			done = false;
		} else if (top != directory) {
			done = move_up(top, directory, name);
		} else {
			int below = open_changeable(top, name);
			done = below >= 0 && empty_into(top, below) && unlinkat(top, name, AT_REMOVEDIR) == 0;
			descriptor_close(below);
		}
	}
	if (list)
		closedir(list);
	/* ENOTEMPTY would mean that another try gets further. */
	if (!done)
		errno = EACCES;
	return done;
}

bool scratch_remove(int parent, const char *name)
{
	int top = open_changeable(parent, name), gone = -1;
	/* Directories that moved up meanwhile may not show in the list that is read. */
	do
		gone = top >= 0 && empty_into(top, top) ? unlinkat(parent, name, AT_REMOVEDIR) : -1;
	while (gone < 0 && top >= 0 && errno == ENOTEMPTY);
	descriptor_close(top);
	return gone == 0;
}

/* Opens and locks NAME. -1: another box has it, or it is being removed. */
static int lock_name(int parent, const char *name)
{
	struct stat st;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
		return fd;
	descriptor_close(fd);
	return -1;
}

static void remove_left(int parent)
{
	int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		int lock = strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0 ? lock_name(parent, entry->d_name) : -1;
		if (lock < 0)
			continue;
		(void)scratch_remove(parent, entry->d_name);
		close(lock);
	}
	if (list)
		closedir(list);
}

int scratch_make(int parent, const char *path)
{
	char name[NAME_SIZE];
	int lock = -1;
	remove_left(parent);
	for (unsigned number = 0; lock < 0; number++) {
		snprintf(name, sizeof name, "%s%u", prefix, number);
		if (mkdirat(parent, name, 0700) == 0)
			lock = lock_name(parent, name);
		else if (errno != EEXIST)
			fail_hint("make a directory for changes", path,
				"nsbox image prune frees room; NSBOX_CACHE or --overlay=DIR names another disk");
	}
	rollback_remember_tree(parent, name, lock);
	return descriptor_copy(lock);
}

bool scratch_keeps_attributes(int directory)
{
	char path[DESCRIPTOR_NAME];
	return setxattr(descriptor_name(directory, path), "user.nsbox", "", 0, 0) == 0;
}
