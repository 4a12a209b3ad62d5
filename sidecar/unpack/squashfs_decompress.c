#include "unpack/squashfs_decompress.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

/* A block's dictionary is no larger than the block, 1 MiB at most. */
enum { XZ_MEMORY = 16 << 20 };

/* Kept from block to block: to make them anew takes as long as a small block does. */
static _Thread_local z_stream gzip;
static _Thread_local bool gzip_is_open;
static _Thread_local lzma_stream xz;
static _Thread_local ZSTD_DCtx *zstd;

static sqfs_err run_gzip(void *in, size_t in_length, void *out, size_t *out_length)
{
	if (gzip_is_open ? inflateReset(&gzip) != Z_OK : inflateInit(&gzip) != Z_OK)
		return SQFS_ERR;
	gzip_is_open = true;
	gzip.next_in = in;
	gzip.avail_in = (unsigned)in_length;
	gzip.next_out = out;
	gzip.avail_out = (unsigned)*out_length;
	int result = inflate(&gzip, Z_FINISH);
	*out_length -= gzip.avail_out;
	return result == Z_STREAM_END ? SQFS_OK : SQFS_ERR;
}

static sqfs_err run_xz(void *in, size_t in_length, void *out, size_t *out_length)
{
	/* On a stream that was used before it keeps the memory. */
	if (lzma_stream_decoder(&xz, XZ_MEMORY, 0) != LZMA_OK)
		return SQFS_ERR;
	xz.next_in = in;
	xz.avail_in = in_length;
	xz.next_out = out;
	xz.avail_out = *out_length;
	lzma_ret result = lzma_code(&xz, LZMA_FINISH);
	*out_length -= xz.avail_out;
	return result == LZMA_STREAM_END ? SQFS_OK : SQFS_ERR;
}

static sqfs_err run_zstd(void *in, size_t in_length, void *out, size_t *out_length)
{
	if (!zstd && !(zstd = ZSTD_createDCtx()))
		return SQFS_ERR;
	size_t length = ZSTD_decompressDCtx(zstd, out, *out_length, in, in_length);
	if (ZSTD_isError(length))
		return SQFS_ERR;
	*out_length = length;
	return SQFS_OK;
}

void squashfs_decompress_by_us(sqfs *fs)
{
	switch (sqfs_compression(fs)) {
	case ZLIB_COMPRESSION: fs->decompressor = run_gzip; break;
	case XZ_COMPRESSION: fs->decompressor = run_xz; break;
	case ZSTD_COMPRESSION: fs->decompressor = run_zstd; break;
	}
}

void squashfs_decompress_end(void)
{
	if (gzip_is_open)
		inflateEnd(&gzip);
	gzip_is_open = false;
	lzma_end(&xz);
	ZSTD_freeDCtx(zstd);
	zstd = NULL;
}
