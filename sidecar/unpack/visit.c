#include "unpack/visit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "unpack/event.h"

void visit_below(int parent, const char *name, char path[PATH_MAX], size_t length, visit_entry *visit)
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
		size_t more = strlen(child) + 1;
		if (length + more >= PATH_MAX || fstatat(fd, child, &st, AT_SYMLINK_NOFOLLOW) < 0)
			event_fail("read a directory", path, length + more >= PATH_MAX ? ENAMETOOLONG : errno);
		snprintf(path + length, PATH_MAX - length, "%s%s", length ? "/" : "", child);
		visit(fd, child, path, &st);
		if (S_ISDIR(st.st_mode))
			visit_below(fd, child, path, strlen(path), visit);
		path[length] = '\0';
	}
	closedir(dir);
}
