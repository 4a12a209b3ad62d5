/*
 * What is mounted in the box so far, by its path there. The way to whatever lies below leads from the descriptor of
 * that mount, and never again from the root: in a hostile root a name may lead elsewhere each time that it is looked
 * up.
 */
#ifndef NSBOX_FS_MOUNTED_H
#define NSBOX_FS_MOUNTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mounted {
	const char *path; /* clean, as inroot_clean gives it; "" for the root */
	size_t length;
	uint32_t hash;
	unsigned number;  /* in the order of mounting: a later one covers whatever earlier ones show at and below its path */
	int fd;           /* its top directory, or the file that it is */
	bool mask;        /* it is an empty directory, and that of other masks too */
	int kernel;       /* whether the kernel itself shows it (proc, sysfs); -1: not looked at yet */
};

/*
 * FD, which is taken, is the top of what has just been mounted at PATH, which stays as it is. The root, "", comes
 * first.
 */
struct mounted *mounted_add(const char *path, int fd);
/*
 * The mount that shows what is at the first LENGTH bytes of PATH, a clean path; *PREFIX bytes of them are its own path.
 */
struct mounted *mounted_above(const char *path, size_t length, size_t *prefix);
/* The descriptor of the root. */
int mounted_root(void);
/* Whether it is a procfs or sysfs. */
bool mounted_is_kernels(struct mounted *mounted);

#endif
