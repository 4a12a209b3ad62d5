#include "base/component.h"

#include <errno.h>
#include <string.h>

int component_take(char *path, char name[NAME_MAX + 1])
{
	const char *start = path + strspn(path, "/");
	size_t length = strcspn(start, "/");
	if (length > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, start, length);
	name[length] = '\0';
	memmove(path, start + length, strlen(start + length) + 1);
	return length > 0;
}
