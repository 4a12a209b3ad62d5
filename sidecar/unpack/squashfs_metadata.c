/*
 * In the place of two functions of libsquashfuse.a, whose own are made weak by the build: they read behind the end of a
 * metadata block if a damaged image asks for it.
 */
#include <squashfuse/squashfuse.h>
#include <string.h>

/* Reads SIZE bytes at the cursor, which moves on; BUFFER may be NULL. */
sqfs_err sqfs_md_read(sqfs *fs, sqfs_md_cursor *cursor, void *buffer, size_t size)
{
	unsigned char *to = buffer;
	while (size > 0) {
		sqfs_block *block = NULL;
		sqfs_off_t next = cursor->block;
		if (sqfs_md_cache(fs, &next, &block) != SQFS_OK || !block || block->size == 0 || cursor->offset > block->size)
			return SQFS_ERR;
		size_t part = block->size - cursor->offset;
		if (part > size)
			part = size;
		if (to) {
			memcpy(to, (const unsigned char *)block->data + cursor->offset, part);
			to += part;
		}
		size -= part;
		cursor->offset += part;
		if (cursor->offset == block->size)
			*cursor = (sqfs_md_cursor){.block = next};
	}
	return SQFS_OK;
}

/* Copies entry I of a table, whose blocks are full but for the last. The caller knows how many entries there are. */
sqfs_err sqfs_table_get(sqfs_table *from, sqfs *fs, size_t i, void *entry)
{
	size_t at = i * from->each;
	sqfs_md_cursor cursor = {
		.block = (sqfs_off_t)from->blocks[at / SQUASHFS_METADATA_SIZE],
		.offset = at % SQUASHFS_METADATA_SIZE,
	};
	return sqfs_md_read(fs, &cursor, entry, from->each);
}
