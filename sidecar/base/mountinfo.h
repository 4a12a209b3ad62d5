/* A reader of /proc/self/mountinfo, proc_pid_mountinfo(5). */
#ifndef NSBOX_BASE_MOUNTINFO_H
#define NSBOX_BASE_MOUNTINFO_H

#include <stdbool.h>

struct mountinfo {
	char *path; /* mount point, unescaped, as seen from our root */
	const char *inside; /* the part of PATH below the directory that the caller named: "" or from a slash on */
	char *top; /* the directory or file of its file system that it shows, unescaped */
	char type[16]; /* type of the file system, cut off */
	unsigned long flags; /* MS_* of the mount itself, without those of access times */
	int id, parent;
	bool covered; /* another mount lies on it, or on the path to it: no path leads to it */
	bool hidden; /* another mount lies on the path to it */
};

/*
 * Calls EACH for all mounts at or below PATH, in the order of the file, until it returns non-zero, and returns that. -1
 * with errno.
 */
int mountinfo_below(const char *path, int (*each)(const struct mountinfo *mount, void *with), void *with);

#endif
