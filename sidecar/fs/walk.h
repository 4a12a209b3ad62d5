/*
 * Resolves a path in a root one component at a time, as openat2(2) does with RESOLVE_IN_ROOT: it reads links, and
 * follows them from the root. If a directory is moved meanwhile, the walk stays in the one that it opened.
 */
#ifndef NSBOX_FS_WALK_H
#define NSBOX_FS_WALK_H

#include <stdbool.h>
#include <sys/types.h>

struct mounted;
struct stat;

/* How to make the last component if it is missing; missing parents become directories. PATH is for messages. */
struct making {
	bool directory;
	mode_t mode;
	const char *path;
};

/*
 * Called for one component: NAME in the directory PARENT; PARENT is -1 if NAME is a mount of the plan. A link isn't
 * followed yet. FD belongs to the caller; ST is its stat.
 */
typedef void walk_visit(int parent, const char *name, int fd, const struct stat *st);

/*
 * Opens PATH below ROOT with O_PATH. -1 with errno. FLAGS may hold O_NOFOLLOW and O_DIRECTORY. ON: NULL, or the mount
 * of the plan to start from, and then the one that PATH was found on. MAKING and EACH may be NULL.
 */
int walk_resolve(
	int root, struct mounted **on, const char *path, int flags, const struct making *making, walk_visit *each);

#endif
