/*
 * The mounts in the box so far, by their paths there. A path below a mount is resolved from that mount's descriptor,
 * and not again from the root: in a hostile root a name may lead elsewhere each time that it is looked up.
 */
#ifndef NSBOX_FS_MOUNTED_H
#define NSBOX_FS_MOUNTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mounted {
	const char *path; /* clean, as clean_path gives it; "" for the root */
	size_t length;
	uint32_t hash;
	unsigned number; /* in the order of mounting: a later mount covers earlier ones at and below its path */
	int fd; /* its top directory, or its file */
	bool own; /* it protects a directory of nsbox itself */
	bool mask; /* it is the empty directory that all masks share */
	int kernel; /* whether it is a procfs or sysfs; -1: not looked at yet */
};

/* Adds a mount at PATH with the top FD, which becomes ours. PATH must stay in memory. The root, "", comes first. */
struct mounted *mounted_add(const char *path, int fd);
/* The mount that shows the first LENGTH bytes of PATH, a clean path; *PREFIX is the length of the mount's own path. */
struct mounted *mounted_above(const char *path, size_t length, size_t *prefix);
/* Sets the function that makes a masked directory writable, before something is made in it; and calls it. */
void mounted_open_masks_by(struct mounted *(*function)(const struct mounted *mask));
struct mounted *mounted_open_mask(const struct mounted *mask);
/* The descriptor of the root. */
int mounted_root(void);
/* Whether it is a procfs or sysfs. */
bool mounted_is_kernels(struct mounted *mounted);
/* Whether the file lies on procfs or sysfs, and isn't an ordinary file with the same name. Fails by fail(). */
bool mounted_on_kernels(int fd, const char *path);

#endif
