/* Decompression of a stream: gzip, xz, zstd, bzip2, lz4, or none, told apart by the first bytes. */
#ifndef NSBOX_UNPACK_DECODE_H
#define NSBOX_UNPACK_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The compressed bytes, and what of them was not decoded yet. */
struct input {
	int fd;
	uint64_t left; /* how many bytes may still be read; UINT64_MAX: to the end */
	unsigned char *buffer;
	size_t start, end;
	bool ended;
	int error; /* errno of a read that failed, or 0 */
};

/* Reads up to SIZE bytes of FD (UINT64_MAX: to the end). */
void input_open(struct input *in, int fd, uint64_t size);
/* Has the buffer hold at least COUNT bytes, unless the stream ends before; returns how many it holds. */
size_t input_fill(struct input *in, size_t count);

/* Whether the next bytes are the start of compressed data. */
bool decode_knows(struct input *in);

/* Room for decoded bytes, DECODE_ROOM of them; it is asked for each time before some are decoded. */
enum { DECODE_ROOM = 256 << 10 };
typedef unsigned char *decode_room(void);
/* Has bytes be decoded to there, instead of to a buffer that is used again and again. */
void decode_to(decode_room *room);

/* Takes LENGTH decoded bytes, which stand in the latest room, or in a buffer of the reader's. */
typedef void decode_sink(const void *bytes, size_t length);

/*
 * Decodes all of IN, or one compressed stream of it if ONE. NULL, or what is wrong with the stream; *NUMBER is then an
 * error number, or 0.
 */
const char *decode(struct input *in, decode_sink *sink, bool one, int *number);

#endif
