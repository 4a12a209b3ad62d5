/*
 * Makes one cpio archive of the members of an initial RAM disk: archives one after the other, each compressed or not,
 * with zeros between them, as the kernel reads them. Only the formats "newc" and "crc" are known, as to the kernel.
 */
#ifndef NSBOX_UNPACK_CPIO_H
#define NSBOX_UNPACK_CPIO_H

#include <stdbool.h>
#include <stddef.h>

#include "unpack/decode.h"

/* Whether the bytes are the start of such an archive. */
bool cpio_starts_with(const unsigned char *bytes, size_t length);

/*
 * Reads all members of IN. RAW gets the bytes of the archives as they are, uncompressed; JOINED the one archive. NULL,
 * or what is wrong; *NUMBER is then an error number, or 0.
 */
const char *cpio_join(struct input *in, decode_sink *raw, decode_sink *joined, int *number);

#endif
