#include "unpack/differ.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/sys.h"
#include "unpack/event.h"
#include "unpack/name.h"

enum { LIST = 64 << 10 /* XATTR_LIST_MAX, and XATTR_SIZE_MAX */ };

static int host = -1;

void differ_from(const char *directory)
{
	host = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (host < 0 && errno != ENOENT)
		event_fail("open the directory", directory, errno);
}

/* -1 with errno where a link stands in the way, too. */
static int open_below(int directory, const char *path)
{
	struct sys_open_how how = {
		.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_DOWN | RESOLVE_NO_LINKS};
	return sys_openat2(directory, path, &how);
}

static bool counts(const char *name)
{
	return !name_starts_with(name, "user.overlay.") && !name_starts_with(name, "trusted.") &&
		   strcmp(name, "security.selinux") != 0;
}

static bool is_brought(const char *name) { return counts(name) && name_starts_with(name, "user."); }

static bool is_same(int one, int other, const char *name)
{
	static char a[LIST], b[LIST];
	ssize_t size = fgetxattr(one, name, a, sizeof a);
	return size >= 0 && fgetxattr(other, name, b, sizeof b) == size && memcmp(a, b, (size_t)size) == 0;
}

void differ_each(int fd, const char *path, void (*each)(const char *name, bool differs))
{
	char list[LIST];
	int other = host < 0 ? -1 : open_below(host, path);
	ssize_t length = flistxattr(fd, list, sizeof list);
	for (char *name = list; length > 0 && name < list + length; name += strlen(name) + 1)
		if (counts(name))
			each(name, !is_same(fd, other, name));
	if (other < 0)
		return;
	length = flistxattr(other, list, sizeof list);
	for (char *name = list; length > 0 && name < list + length; name += strlen(name) + 1)
		if (counts(name) && fgetxattr(fd, name, NULL, 0) < 0)
			each(name, true);
	close(other);
}

static void bring(int from, int to, const char *path)
{
	static char value[LIST];
	char list[LIST];
	ssize_t length = flistxattr(from, list, sizeof list);
	for (char *name = list; length > 0 && name < list + length; name += strlen(name) + 1) {
		if (!is_brought(name))
			continue;
		ssize_t size = fgetxattr(from, name, value, sizeof value);
		if (size < 0 || fsetxattr(to, name, value, (size_t)size, 0) < 0)
			event_fail("set an extended attribute", path, errno);
	}
	length = flistxattr(to, list, sizeof list);
	for (char *name = list; length > 0 && name < list + length; name += strlen(name) + 1)
		if (is_brought(name) && fgetxattr(from, name, NULL, 0) < 0 && fremovexattr(to, name) < 0)
			event_fail("remove an extended attribute", path, errno);
}

static int open_or_fail(int directory, const char *path)
{
	int fd = directory < 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : open_below(directory, path);
	if (fd < 0)
		event_fail("open", path, errno);
	return fd;
}

void differ_bring(const char *from, const char *to)
{
	char *path = NULL;
	size_t room = 0;
	int source = open_or_fail(-1, from), target = open_or_fail(-1, to);
	while (getdelim(&path, &room, '\0', stdin) > 0) {
		int one = open_or_fail(source, path), other = open_or_fail(target, path);
		bring(one, other, path);
		close(one);
		close(other);
	}
	if (ferror(stdin))
		event_fail("read the names", NULL, errno);
	event_print("brought", NULL, NULL);
}
