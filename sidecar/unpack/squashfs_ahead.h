/*
 * Decodes blocks of a squashfs ahead of the reader, on the other processors. Reader and threads go through the files in
 * the same order and number the blocks that they come to; each thread decodes its share of the numbers.
 */
#ifndef NSBOX_UNPACK_SQUASHFS_AHEAD_H
#define NSBOX_UNPACK_SQUASHFS_AHEAD_H

#include <squashfuse/squashfuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { SQUASHFS_MAX_BLOCK = 1 << 20 };

/* Whether the blocks of a file are numbered: those of hard links aren't, since the reader reads only the first. */
static inline bool squashfs_is_numbered(const sqfs_inode *inode)
{
	return S_ISREG(inode->base.mode) && inode->nlink <= 1 && inode->xtra.reg.file_size > 0;
}

/*
 * Reads the block at POSITION into BYTES, which has room for SQUASHFS_MAX_BLOCK, as COMPRESSED has. The length, or 0 if
 * it is damaged.
 */
size_t squashfs_read_block(sqfs *fs, uint64_t position, uint32_t header, void *compressed, void *bytes);

/* Starts the threads. Without other processors, or without memory, there are none. */
void squashfs_ahead_start(int fd, uint64_t offset, size_t block_size);
/* The next block, at POSITION, if it was decoded ahead: valid until the next call. NULL: the reader has to read it. */
const void *squashfs_ahead_next(uint64_t position, size_t *length);
void squashfs_ahead_stop(void);

#endif
