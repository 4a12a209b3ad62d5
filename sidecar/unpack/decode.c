#include "unpack/decode.h"

#include <bzlib.h>
#include <errno.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/*
 * The dictionary is what takes memory, and no decoder does with less: xz -9 has one of 64 MiB, the largest of its
 * levels, and zstd --long (and -22) one of 128 MiB, the largest that its own program takes unasked. Larger ones are
 * refused. The decoder of xz has 1 MiB besides.
 */
enum { BUFFER = 256 << 10, XZ_MEMORY = 66 << 20, ZSTD_WINDOW_LOG = 27 };

static unsigned char own_room[DECODE_ROOM];
static unsigned char *output = own_room;
static decode_room *next_room;

void decode_to(decode_room *room) { next_room = room; }

static void ask_for_room(void)
{
	if (next_room)
		output = next_room();
}

void input_open(struct input *in, int fd, uint64_t size)
{
	*in = (struct input){.fd = fd, .left = size, .buffer = malloc(BUFFER)};
}

/* Reads up to ROOM bytes. -1 with errno; 0 at the end. */
static ssize_t input_get(struct input *in, unsigned char *to, size_t room)
{
	ssize_t got;
	if (room > in->left)
		room = (size_t)in->left;
	/* A read that has failed stays the cause of the end. */
	if (in->ended)
		return 0;
	do
		got = room ? read(in->fd, to, room) : 0;
	while (got < 0 && errno == EINTR);
	if (got <= 0) {
		in->ended = true;
		in->error = got < 0 ? errno : 0;
	} else if (in->left != UINT64_MAX) {
		in->left -= (uint64_t)got;
	}
	return got;
}

/* Adds bytes to the buffer. -1 with errno; 0 at the end. */
static ssize_t input_read(struct input *in)
{
	if (in->start == in->end)
		in->start = in->end = 0;
	if (in->end == BUFFER) {
		memmove(in->buffer, in->buffer + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	}
	ssize_t got = input_get(in, in->buffer + in->end, BUFFER - in->end);
	if (got > 0)
		in->end += (size_t)got;
	return got;
}

size_t input_fill(struct input *in, size_t count)
{
	while (in->end - in->start < count && input_read(in) > 0)
		;
	return in->end - in->start;
}

/* One round of a decoder, from IN's buffer to OUTPUT: what it takes, what it gives, and how it goes on. */
struct round {
	const unsigned char *in;
	size_t in_length, taken, given;
	bool last; /* no more input will come */
};
enum verdict { MORE, STREAM_END, WRONG, TOO_LARGE, NO_MEMORY };

struct decoder {
	const char *name;
	unsigned char magic[6];
	size_t magic_length;
	bool (*start)(void);
	enum verdict (*run)(struct round *round);
	void (*stop)(void);
	const char *damaged, *truncated, *too_large;
};

static z_stream gzip;
static bool gzip_start(void)
{
	gzip = (z_stream){0};
	return inflateInit2(&gzip, 15 + 16) == Z_OK;
}
static enum verdict gzip_run(struct round *r)
{
	gzip.next_in = (unsigned char *)r->in;
	gzip.avail_in = (unsigned)r->in_length;
	gzip.next_out = output;
	gzip.avail_out = DECODE_ROOM;
	int result = inflate(&gzip, Z_NO_FLUSH);
	r->taken = r->in_length - gzip.avail_in;
	r->given = DECODE_ROOM - gzip.avail_out;
	return result == Z_STREAM_END                    ? STREAM_END
		   : result == Z_OK || result == Z_BUF_ERROR ? MORE
		   : result == Z_MEM_ERROR                   ? NO_MEMORY
													 : WRONG;
}
static void gzip_stop(void) { inflateEnd(&gzip); }

static lzma_stream xz;
static bool xz_start(void)
{
	xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&xz, XZ_MEMORY, 0) == LZMA_OK;
}
static enum verdict xz_run(struct round *r)
{
	xz.next_in = r->in;
	xz.avail_in = r->in_length;
	xz.next_out = output;
	xz.avail_out = DECODE_ROOM;
	lzma_ret result = lzma_code(&xz, r->last ? LZMA_FINISH : LZMA_RUN);
	r->taken = r->in_length - xz.avail_in;
	r->given = DECODE_ROOM - xz.avail_out;
	switch (result) {
	case LZMA_OK:
	case LZMA_BUF_ERROR: return MORE;
	case LZMA_STREAM_END: return STREAM_END;
	case LZMA_MEMLIMIT_ERROR: return TOO_LARGE;
	case LZMA_MEM_ERROR: return NO_MEMORY;
	default: return WRONG;
	}
}
static void xz_stop(void) { lzma_end(&xz); }

static ZSTD_DStream *zstd;
static bool zstd_start(void)
{
	zstd = ZSTD_createDStream();
	return zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}
static enum verdict zstd_run(struct round *r)
{
	ZSTD_inBuffer in = {r->in, r->in_length, 0};
	ZSTD_outBuffer out = {output, DECODE_ROOM, 0};
	size_t result = ZSTD_decompressStream(zstd, &out, &in);
	r->taken = in.pos;
	r->given = out.pos;
	if (!ZSTD_isError(result))
		return result == 0 ? STREAM_END : MORE;
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_frameParameter_windowTooLarge: return TOO_LARGE;
	case ZSTD_error_memory_allocation: return NO_MEMORY;
	default: return WRONG;
	}
}
static void zstd_stop(void) { ZSTD_freeDStream(zstd); }

static bz_stream bzip2;
static bool bzip2_start(void)
{
	bzip2 = (bz_stream){0};
	return BZ2_bzDecompressInit(&bzip2, 0, 0) == BZ_OK;
}
static enum verdict bzip2_run(struct round *r)
{
	bzip2.next_in = (char *)r->in;
	bzip2.avail_in = (unsigned)r->in_length;
	bzip2.next_out = (char *)output;
	bzip2.avail_out = DECODE_ROOM;
	int result = BZ2_bzDecompress(&bzip2);
	r->taken = r->in_length - bzip2.avail_in;
	r->given = DECODE_ROOM - bzip2.avail_out;
	return result == BZ_STREAM_END ? STREAM_END : result == BZ_OK ? MORE : result == BZ_MEM_ERROR ? NO_MEMORY : WRONG;
}
static void bzip2_stop(void) { BZ2_bzDecompressEnd(&bzip2); }

static LZ4F_dctx *lz4;
static bool lz4_start(void) { return !LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)); }
static enum verdict lz4_run(struct round *r)
{
	r->taken = r->in_length;
	r->given = DECODE_ROOM;
	size_t result = LZ4F_decompress(lz4, output, &r->given, r->in, &r->taken, NULL);
	if (!LZ4F_isError(result))
		return result == 0 ? STREAM_END : MORE;
	r->taken = r->given = 0;
	return WRONG;
}
static void lz4_stop(void) { LZ4F_freeDecompressionContext(lz4); }

#define FORMAT(id, text, magic, length, large) \
	{ \
		text, magic, length, id##_start, id##_run, id##_stop, text " data is damaged", text " data ends too early", \
			large \
	}
static const struct decoder decoders[] = {
	FORMAT(gzip, "gzip", "\x1f\x8b\x08", 3, NULL),
	FORMAT(xz, "xz",
		"\xfd"
		"7zXZ",
		6, "xz dictionary is larger than 64 MiB"),
	FORMAT(zstd, "zstd", "\x28\xb5\x2f\xfd", 4, "zstd window is larger than 128 MiB"),
	FORMAT(bzip2, "bzip2", "BZh", 3, NULL),
	FORMAT(lz4, "lz4", "\x04\x22\x4d\x18", 4, NULL),
};

static const struct decoder *decoder_of(struct input *in)
{
	size_t have = input_fill(in, sizeof decoders->magic);
	for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
		const struct decoder *d = &decoders[i];
		if (have >= d->magic_length && memcmp(in->buffer + in->start, d->magic, d->magic_length) == 0)
			return d;
	}
	return NULL;
}

bool decode_knows(struct input *in) { return decoder_of(in) != NULL; }

/* Decodes one compressed stream: a gzip member, an xz stream, a frame. */
static const char *decode_stream(struct input *in, decode_sink *sink, const struct decoder *d)
{
	enum verdict verdict = MORE;
	if (!d->start())
		return "no memory for the decoder";
	bool stuck = false;
	while (verdict == MORE && !stuck) {
		if (in->start == in->end)
			input_read(in);
		ask_for_room();
		struct round r = {in->buffer + in->start, in->end - in->start, 0, 0, in->ended};
		verdict = d->run(&r);
		in->start += r.taken;
		if (r.given)
			sink(output, r.given);
		stuck = in->ended && r.taken == 0 && r.given == 0;
	}
	d->stop();
	return verdict == STREAM_END  ? NULL
		   : verdict == MORE      ? d->truncated
		   : verdict == TOO_LARGE ? d->too_large
		   : verdict == NO_MEMORY ? "no memory for the decoder"
								  : d->damaged;
}

/* What isn't compressed is read to where it has to be, but for the bytes that were looked at. */
static const char *copy(struct input *in, decode_sink *sink)
{
	ssize_t got = (ssize_t)(in->end - in->start);
	if (got > 0)
		sink(in->buffer + in->start, (size_t)got);
	in->start = in->end;
	do {
		ask_for_room();
		got = input_get(in, output, DECODE_ROOM);
		if (got > 0)
			sink(output, (size_t)got);
	} while (got > 0);
	return NULL;
}

/* gzip(1) and xz(1) accept zeros behind the data: padding of tapes and of blocks. */
static bool only_zeros_left(struct input *in)
{
	while (input_fill(in, 1) > 0)
		if (in->buffer[in->start++] != 0)
			return false;
	return true;
}

const char *decode(struct input *in, decode_sink *sink, bool one, int *number)
{
	const struct decoder *d = decoder_of(in);
	const char *wrong = NULL;
	if (!d)
		wrong = copy(in, sink);
	for (; d && !wrong; d = decoder_of(in) == d ? d : NULL) {
		wrong = decode_stream(in, sink, d);
		if (wrong || one)
			break;
	}
	if (!wrong && !one && !only_zeros_left(in))
		wrong = "there is something behind the compressed data";
	*number = in->error;
	return in->error ? "read the archive" : wrong;
}
