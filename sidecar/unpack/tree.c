#include "unpack/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deeper directories are first moved up, so that descriptors and the stack are bounded. */
enum { MAX_DEPTH = 64 };

static int remove_below(int top, int parent, const char *name, int depth);

/* Opens a directory for reading, also one without the permission. */
static int open_directory(int parent, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);
	if (fd >= 0 || errno != EACCES || fchmodat(parent, name, 0700, 0) < 0)
		return fd;
	return openat(parent, name, flags);
}

static bool is_directory(int parent, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(parent, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Removes what is in the directory FD. TOP is where directories that are too deep are moved to. */
static int remove_entries(int top, int fd, int depth)
{
	static unsigned moved;
	DIR *dir = fdopendir(dup(fd));
	struct dirent *entry;
	int result = dir ? 0 : -1;
	while (result == 0 && (errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (!is_directory(fd, entry)) {
			result = unlinkat(fd, name, 0);
			/* A directory that can't be written to: its files couldn't be removed. */
			if (result < 0 && errno == EACCES && fchmod(fd, 0700) == 0)
				result = unlinkat(fd, name, 0);
		} else if (depth >= MAX_DEPTH) {
			char shallow[32];
			snprintf(shallow, sizeof shallow, ".moved-%u", moved++);
			/* A directory that moves is written to, too. */
			result = fchmodat(fd, name, 0700, 0) < 0 ? -1 : renameat(fd, name, top, shallow);
		} else {
			result = remove_below(top, fd, name, depth + 1);
		}
		if (result < 0 && errno == ENOENT)
			result = 0;
	}
	if (result == 0 && errno)
		result = -1;
	int number = errno;
	if (dir)
		closedir(dir);
	errno = number;
	return result;
}

static int remove_below(int top, int parent, const char *name, int depth)
{
	int fd = open_directory(parent, name);
	if (fd < 0)
		return -1;
	int result, number;
	/* Directories may have been moved into the topmost one meanwhile. */
	do {
		result = remove_entries(top < 0 ? fd : top, fd, depth);
		if (result == 0)
			result = unlinkat(parent, name, AT_REMOVEDIR);
		number = errno;
	} while (result < 0 && number == ENOTEMPTY && depth == 0);
	close(fd);
	errno = number;
	return result;
}

int tree_remove(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR || errno == EPERM ? remove_below(-1, parent, name, 0) : -1;
}
