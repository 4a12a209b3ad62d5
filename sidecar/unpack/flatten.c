#include "unpack/flatten.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack/event.h"
#include "unpack/existing.h"
#include "unpack/layers.h"
#include "unpack/links.h"
#include "unpack/place.h"

static void flatten_file(int parent, const char *name, const char *path, const struct stat *st)
{
	struct entry entry;
	struct entry_source source;
	if (layers_is_whiteout(st)) {
		place_remove(path);
		return;
	}
	existing_open(parent, name, st, path, &entry, &source);
	entry.name = *path ? path : "/";
	const char *first = S_ISREG(st->st_mode) && st->st_nlink > 1 ? links_first(st->st_ino, path) : NULL;
	if (first) {
		entry.link = first;
		entry.hard_link = true;
		entry.size = 0;
	}
	place(&entry, &source);
	existing_close(&source);
}

/* Places what is in the directory NAME of PARENT, whose path is the first LENGTH bytes of PATH. */
static void flatten_directory(int parent, const char *name, char path[PATH_MAX], size_t length)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	if (!dir)
		event_fail("read a directory", path, errno);
	while ((entry = readdir(dir))) {
		struct stat st;
		const char *child = entry->d_name;
		if (strcmp(child, ".") == 0 || strcmp(child, "..") == 0)
			continue;
		if (fstatat(fd, child, &st, AT_SYMLINK_NOFOLLOW) < 0 || length + strlen(child) + 2 > PATH_MAX)
			event_fail("read a directory", path, length + strlen(child) + 2 > PATH_MAX ? ENAMETOOLONG : errno);
		snprintf(path + length, PATH_MAX - length, "%s%s", length ? "/" : "", child);
		flatten_file(fd, child, path, &st);
		if (S_ISDIR(st.st_mode))
			flatten_directory(fd, child, path, strlen(path));
		path[length] = '\0';
	}
	closedir(dir);
}

/* One layer after the other, from the lowest on, as an engine would unpack them onto one root. */
void flatten_place(const char *directory)
{
	char path[PATH_MAX];
	struct stat st;
	int count = 0;
	for (;; count++) {
		snprintf(path, sizeof path, "%s/%d", directory, count);
		if (lstat(path, &st) < 0)
			break;
	}
	if (errno != ENOENT || count == 0)
		event_fail("open the layer", path, errno);
	for (int i = count - 1; i >= 0; i--) {
		snprintf(path, sizeof path, "%s/%d", directory, i);
		int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (root < 0 || fstat(root, &st) < 0)
			event_fail("open the layer", path, errno);
		*path = '\0';
		links_forget();
		flatten_file(root, ".", path, &st);
		flatten_directory(root, ".", path, 0);
		close(root);
	}
}
