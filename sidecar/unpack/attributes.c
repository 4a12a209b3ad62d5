#include "unpack/attributes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "unpack/event.h"
#include "unpack/name.h"

enum { LIST = 64 << 10 /* XATTR_LIST_MAX, and XATTR_SIZE_MAX */ };

bool attributes_is_allowed(const char *name)
{
	return strcmp(name, "security.capability") == 0 ||
		   (name_starts_with(name, "user.") && !name_starts_with(name, "user.overlay."));
}

void attributes_set(int fd, const char *entry, const char *name, const void *value, size_t size)
{
	if (!attributes_is_allowed(name)) {
		event_skipped("attribute", entry);
		return;
	}
	if (fsetxattr(fd, name, value, size, 0) == 0)
		return;
	if (errno != ENOTSUP && errno != EPERM)
		event_fail("set an extended attribute", entry, errno);
	event_skipped("attribute", entry);
}

/* Calls EACH for the allowed attributes of FD. */
static void for_each_allowed(
	int fd, int to, const char *entry, void (*each)(int fd, int to, const char *entry, const char *name))
{
	char *list = malloc(LIST);
	ssize_t length = list ? flistxattr(fd, list, LIST) : -1;
	for (char *name = list; length > 0 && name < list + length; name += strlen(name) + 1)
		if (attributes_is_allowed(name))
			each(fd, to, entry, name);
	free(list);
}

static void remove_one(int fd, int to, const char *entry, const char *name)
{
	(void)to;
	if (fremovexattr(fd, name) < 0)
		event_fail("remove an extended attribute", entry, errno);
}

static void copy_one(int fd, int to, const char *entry, const char *name)
{
	char *value = malloc(LIST);
	ssize_t size = value ? fgetxattr(fd, name, value, LIST) : -1;
	if (size < 0)
		event_fail("read an extended attribute", entry, errno);
	attributes_set(to, entry, name, value, (size_t)size);
	free(value);
}

void attributes_clear(int fd, const char *entry) { for_each_allowed(fd, -1, entry, remove_one); }
void attributes_copy(int from, int to, const char *entry) { for_each_allowed(from, to, entry, copy_one); }
