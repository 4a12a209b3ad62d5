#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"

static bool no_links;

void host_refuse_links(void) { no_links = true; }

/* Opens the next component of a path and closes DIR. A symbolic link fails with ELOOP. */
static int step(int dir, const char *name)
{
	struct stat st;
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	descriptor_close(dir);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		close(fd);
		fd = -1;
		errno = ELOOP;
	}
	return fd;
}

/* Does what RESOLVE_NO_SYMLINKS of openat2(2) does, on every kernel: each component is opened below the one before. */
static int walk(const char *path)
{
	char name[NAME_MAX + 1];
	int fd = open(*path == '/' ? "/" : ".", O_PATH | O_CLOEXEC);
	for (path += strspn(path, "/"); fd >= 0 && *path; path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");
		if (length >= sizeof name) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		fd = step(fd, name);
		path += length;
	}
	return fd;
}

bool host_refuses_links(void) { return no_links; }

const char *host_hint(void)
{
	return no_links && errno == ELOOP ? "--no-follow refuses symbolic links in paths of the host: name the file that the link leads to" : NULL;
}

int host_open(const char *path, int flags)
{
	char name[DESCRIPTOR_NAME];
	int held = no_links ? walk(path) : -1;
	if (no_links && held < 0)
		return -1;
	int fd = open(no_links ? descriptor_name(held, name) : path, flags | O_CLOEXEC);
	descriptor_close(held);
	return fd;
}
