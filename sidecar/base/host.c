#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/mountinfo.h"
#include "base/report.h"

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

/* Whether PATH lies below a mount of FUSE. */
static int is_fuse_above(const struct mountinfo *mount, void *with)
{
	size_t length = strlen(mount->path);
	const char *wanted = *(const char **)with;
	return strncmp(mount->type, "fuse", 4) == 0 && strncmp(wanted, mount->path, length) == 0 &&
		   (wanted[length] == '/' || wanted[length] == '\0');
}

const char *host_hint(const char *path, const char *missing)
{
	int number = errno;
	const char *hint = number == ENOENT ? missing : no_links && number == ELOOP ? HINT_NO_FOLLOW : NULL;
	if (number == EACCES && mountinfo_below("/", is_fuse_above, &path) > 0)
		hint = HINT_FUSE;
	errno = number;
	return hint;
}

int host_open(const char *path, int flags)
{
	char name[DESCRIPTOR_NAME];
	int walked = no_links ? walk(path) : -1;
	if (no_links && walked < 0)
		return -1;
	int fd = open(no_links ? descriptor_name(walked, name) : path, flags | O_CLOEXEC);
	descriptor_close(walked);
	return fd;
}

int host_open_directory(const char *path, const char *missing, const char *not_directory)
{
	int fd = host_open(path, O_PATH | O_DIRECTORY);
	if (fd >= 0)
		return fd;
	int number = errno;
	if (number == ENOTDIR && host_open(path, O_PATH) >= 0)
		fail_plain_hint("is not a directory", path, not_directory);
	errno = number;
	fail_hint("open", path, host_hint(path, missing));
}
