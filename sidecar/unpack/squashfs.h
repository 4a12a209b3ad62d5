/* Reads squashfs file systems by libsquashfuse: gzip, xz, zstd and lz4. */
#ifndef NSBOX_UNPACK_SQUASHFS_H
#define NSBOX_UNPACK_SQUASHFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether there is a squashfs at OFFSET of the regular file FD. */
bool squashfs_is_at(int fd, uint64_t offset);
/* Places all its files. Fails by event_fail(). */
void squashfs_place(int fd, uint64_t offset);

/* What a file system in a file of a squashfs begins with, enough to tell what it is. */
enum { SQUASHFS_HEAD = 2048 };

/*
 * Looks for one of NAMES, files in directories of the top. Returns its name, its SIZE and what it begins with, LENGTH
 * bytes of HEAD; NULL: there is none. Fails by event_fail().
 */
const char *squashfs_find(int fd, uint64_t offset, const char *const *names, uint64_t *size,
	unsigned char head[SQUASHFS_HEAD], size_t *length);

#endif
