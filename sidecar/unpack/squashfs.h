/* Reads squashfs file systems by libsquashfuse: gzip, xz, zstd and lz4. */
#ifndef NSBOX_UNPACK_SQUASHFS_H
#define NSBOX_UNPACK_SQUASHFS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether there is a squashfs at OFFSET of the regular file FD. */
bool squashfs_is_at(int fd, uint64_t offset);
/* Places all its files. Fails by event_fail(). */
void squashfs_place(int fd, uint64_t offset);

#endif
