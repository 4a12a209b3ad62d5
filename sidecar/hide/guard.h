/*
 * The mounts of a box that hide or keep files of the host, and whether they are still in their places. Renaming another
 * file over a mount point, or removing it, takes the mount away in every mount namespace but the caller's own; renaming
 * the mount point, or a directory above it, moves the mount along (Linux 3.18, detach_mounts).
 */
#ifndef NSBOX_HIDE_GUARD_H
#define NSBOX_HIDE_GUARD_H

#include <stdbool.h>

struct guard {
	int id; /* of the mount, while it is there */
	char *path; /* its place in the box */
	bool keeps; /* the box sees the file itself, read-only */
	bool may_go; /* it hides a directory or a socket: removing these shows nothing */
	bool movable; /* the box may rename a directory above it */
	enum guard_state { GUARD_IN_PLACE, GUARD_MOVED, GUARD_GONE } state;
};

/*
 * Finds the mounts to guard in MOUNTS, an open /proc/PID/mountinfo of the box, and returns them in the order of their
 * paths. UNMOUNTED is called for each of PATHS that has no mount. Fails by failure().
 */
struct guard *guard_find(int mounts, char *const *paths, void (*unmounted)(const char *path), unsigned *count);
/* Reads MOUNTS again, and sets the states. Fails by failure(). Returns whether something isn't in its place. */
bool guard_look(int mounts, struct guard *guards, unsigned count);

#endif
