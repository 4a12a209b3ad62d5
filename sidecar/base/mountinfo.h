/* /proc/self/mountinfo, proc_pid_mountinfo(5). */
#ifndef NSBOX_MOUNTINFO_H
#define NSBOX_MOUNTINFO_H

#include <stdbool.h>

struct mountinfo {
	char *path;          /* mount point, unescaped, as seen from our root */
	const char *inside;  /* what it has below the path that was asked for: "" for that itself, else from its slash on */
	char *top;           /* what of its file system it shows, unescaped */
	char type[16];       /* of the file system, cut off */
	unsigned long flags; /* MS_* of the mount itself, but for those of access times */
	int id, parent;
	bool covered; /* another mount lies on it, or on the way to it: no path leads to it */
	bool hidden;  /* on the way to it */
};

/* Call EACH for all mounts at or below PATH, in the order of the file, until it returns non-zero; give that back. -1 with errno. */
int mountinfo_below(const char *path, int (*each)(const struct mountinfo *mount, void *with), void *with);

#endif
