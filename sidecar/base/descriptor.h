/*
 * A descriptor as a path, and the path of one: for calls that take no descriptor. Needs /proc of the host. Writing all
 * of a text to one. And which descriptors stay open.
 */
#ifndef NSBOX_DESCRIPTOR_H
#define NSBOX_DESCRIPTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { DESCRIPTOR_NAME = 32 };

/* The link of procfs leads to exactly that file, whatever its name leads to by now. */
static inline const char *descriptor_name(int fd, char name[DESCRIPTOR_NAME])
{
	snprintf(name, DESCRIPTOR_NAME, "/proc/self/fd/%d", fd);
	return name;
}

/* What its file is called now, as a hint or for a person: another file may have that name. False with errno. */
static inline bool descriptor_path(int fd, char path[PATH_MAX])
{
	char name[DESCRIPTOR_NAME];
	ssize_t length = readlink(descriptor_name(fd, name), path, PATH_MAX - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	return true;
}

/* All of the LENGTH bytes, in as many calls as it takes. False with errno. */
bool descriptor_write(int fd, const char *bytes, size_t length);

/* One that is still needed after the root switch, when none of the host's may be left. */
void descriptor_keep(int fd);
void descriptor_close_range(int first, int last);
/* Close all but 0, 1, 2 and those that are kept. */
void descriptor_close_others(void);

/* All that can be read from FD, which NAME stands for in messages, and a NUL behind it. Fails by fail(). */
char *descriptor_read_all(int fd, const char *name, size_t *length);

#endif
