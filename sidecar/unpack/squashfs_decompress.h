/*
 * Decompression of the blocks of a squashfs, in the place of libsquashfuse's own functions, which make a new decoder
 * for each block.
 */
#ifndef NSBOX_UNPACK_SQUASHFS_DECOMPRESS_H
#define NSBOX_UNPACK_SQUASHFS_DECOMPRESS_H

#include <squashfuse/squashfuse.h>

/* Has FS use them. What the library alone knows (lz4) stays as it is. */
void squashfs_decompress_by_us(sqfs *fs);
/* Frees the decoders of this thread. */
void squashfs_decompress_end(void);

#endif
