#include "unpack/name.h"

#include <string.h>

#include "unpack/event.h"

enum { MAX_DEPTH = 256 };

void name_clean(const char *name, const char *entry, char path[PATH_MAX])
{
	size_t length, used = 0;
	int depth = 0;
	for (const char *from = name + strspn(name, "/"); *from; from += length + strspn(from + length, "/")) {
		length = strcspn(from, "/");
		if (length == 1 && from[0] == '.')
			continue;
		if (length == 2 && from[0] == '.' && from[1] == '.')
			event_fail("name leads out of the root", entry, 0);
		if (length > NAME_MAX)
			event_failf(entry, "name has a part of %zu bytes, more than %d", length, NAME_MAX);
		if (used + length + 1 >= PATH_MAX)
			event_failf(entry, "name of %zu bytes is longer than %d", strlen(name), PATH_MAX - 1);
		if (++depth > MAX_DEPTH)
			event_failf(entry, "name is deeper than %d directories", MAX_DEPTH);
		if (used)
			path[used++] = '/';
		memcpy(path + used, from, length);
		used += length;
	}
	path[used] = '\0';
}

const char *name_parent(const char *path, const char **last)
{
	static char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	memcpy(parent, path, length);
	parent[length] = '\0';
	*last = slash ? slash + 1 : path;
	return parent;
}

bool name_starts_with(const char *name, const char *start) { return strncmp(name, start, strlen(start)) == 0; }
