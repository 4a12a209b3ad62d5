/*
 * The archive as a stream of uncompressed bytes. A process of its own decodes it and computes its digest, so that two
 * processors work at once; the stream arrives in memory that both have.
 */
#ifndef NSBOX_UNPACK_STREAM_H
#define NSBOX_UNPACK_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "unpack/digest.h"

enum stream_kind {
	STREAM_AUTO, /* STREAM_CPIO if a cpio archive is at the start, else STREAM_PLAIN */
	STREAM_PLAIN, /* all the bytes */
	STREAM_CPIO, /* the members of an initial RAM disk as one cpio archive: unpack/cpio.h */
	STREAM_HEAD, /* as STREAM_PLAIN, but the reader may stop early: that isn't an error, and there is no digest */
};

struct stream_result {
	char digest[DIGEST_TEXT]; /* of all uncompressed bytes, also of those that nobody read */
	uint64_t bytes;
};

/*
 * Starts decoding SIZE bytes (UINT64_MAX: to the end) of standard input, at most to MAX_BYTES decoded ones. Fails by
 * event_fail().
 */
void stream_open(enum stream_kind kind, uint64_t size, uint64_t max_bytes);
/* The next bytes, valid until the next call; 0 at the end, or where decoding has failed: stream_close() says which. */
size_t stream_read(const void **bytes);
/* Waits for the end of decoding, also where the reader wants no more. If it has failed, fails with its message. */
void stream_close(struct stream_result *result);
/* Ends decoding at once. */
void stream_stop(void);

#endif
