/*
 * Decodes blocks of a squashfs ahead of the reader, on the other processors. Reader and threads go through the files in
 * the same order and number the blocks that they come to; who comes to a number first decodes the block.
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
 * The blocks with the last pieces of several files (fragments) that were used latest. Such a block is decoded once as
 * long as it is among them; reader and threads have to agree about that, since it has no number then.
 */
enum { SQUASHFS_FRAGMENTS = 8 };
struct squashfs_fragments {
	uint32_t index[SQUASHFS_FRAGMENTS];
	uint64_t used[SQUASHFS_FRAGMENTS], uses;
};
void squashfs_fragments_open(struct squashfs_fragments *fragments);
/* The place of a fragment; false: it isn't among them, and *PLACE is that of the one that was used longest ago. */
bool squashfs_fragments_find(const struct squashfs_fragments *fragments, uint32_t index, unsigned *place);
/* Notes that the fragment at PLACE is INDEX, and was used. */
void squashfs_fragments_use(struct squashfs_fragments *fragments, uint32_t index, unsigned place);

/*
 * Reads the block at POSITION into BYTES, which has room for a block of the image; COMPRESSED has room for
 * SQUASHFS_MAX_BLOCK. The length, or 0 if it is damaged.
 */
size_t squashfs_read_block(sqfs *fs, uint64_t position, uint32_t header, void *compressed, void *bytes);

/* Starts the threads. Without other processors, or without memory, there are none. */
void squashfs_ahead_start(int fd, uint64_t offset, size_t block_size);
/* The next block, at POSITION, if it was decoded ahead: valid until the next call. NULL: the reader has to read it. */
const void *squashfs_ahead_next(uint64_t position, size_t *length);
void squashfs_ahead_stop(void);

#endif
