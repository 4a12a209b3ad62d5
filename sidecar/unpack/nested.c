#include "unpack/nested.h"

#include <stdio.h>

#include "unpack/event.h"
#include "unpack/squashfs.h"

void nested_print(int fd, uint64_t offset)
{
	static const char *const names[] = {"LiveOS/rootfs.img", "LiveOS/ext3fs.img", NULL};
	unsigned char head[SQUASHFS_HEAD];
	char text[2 * SQUASHFS_HEAD + 1];
	uint64_t size;
	size_t length;
	const char *found = squashfs_find(fd, offset, names, &size, head, &length);
	if (!found)
		return;
	for (size_t i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", head[i]);
	text[2 * length] = '\0';
	event_file(found, 0, size);
	event_print("head", "bytes", text);
}
