#include "unpack/squashfs.h"

#include <errno.h>
#include <limits.h>
#include <squashfuse/squashfuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "unpack/event.h"
#include "unpack/links.h"
#include "unpack/place.h"
#include "unpack/squashfs_ahead.h"
#include "unpack/squashfs_decompress.h"
#include "unpack/squashfs_walk.h"

enum {
	METADATA_BLOCKS = 256, /* of 8 KiB */
	MAX_ATTRIBUTE_NAME = 255,
	MAX_ATTRIBUTE = 64 << 10,
};

struct reader {
	sqfs fs;
	sqfs_inode inode;
	const char *entry;
	/* Content: the blocks of the file, and the piece that comes last and lies in a block with other files' pieces. */
	sqfs_blocklist blocks;
	int64_t at;
	bool fragment_is_read;
	/* Attributes. */
	sqfs_xattr attributes;
	char attribute_name[MAX_ATTRIBUTE_NAME + 1];
	unsigned char attribute_value[MAX_ATTRIBUTE];
	/* Blocks in which pieces of several files lie; the last one is for files without numbers. */
	struct squashfs_fragments fragments;
	uint32_t unnumbered;
	size_t fragment_length[SQUASHFS_FRAGMENTS + 1];
	unsigned char fragment_block[SQUASHFS_FRAGMENTS + 1][SQUASHFS_MAX_BLOCK];
	unsigned char compressed[SQUASHFS_MAX_BLOCK], block[SQUASHFS_MAX_BLOCK];
};

static struct reader reader;
static struct squashfs_walk walk;
static bool image_is_open;

static _Noreturn void damaged(const char *entry) { event_fail("squashfs is damaged", entry, 0); }

bool squashfs_is_at(int fd, uint64_t offset)
{
	char magic[4];
	return pread(fd, magic, sizeof magic, (off_t)offset) == sizeof magic && memcmp(magic, "hsqs", sizeof magic) == 0;
}

static void open_image(struct reader *r, int fd, uint64_t offset)
{
	sqfs_err error = sqfs_init(&r->fs, fd, offset);
	image_is_open = error == SQFS_OK;
	if (error == SQFS_BADFORMAT)
		event_fail("is not a squashfs", NULL, 0);
	if (error == SQFS_BADVERSION)
		event_fail("squashfs has an old version: only 4.0 is read", NULL, 0);
	/* libsquashfuse knows LZO, but not we: shims.c. */
	if (error == SQFS_BADCOMP || (error == SQFS_OK && sqfs_compression(&r->fs) == LZO_COMPRESSION))
		event_failf(NULL, "squashfs is compressed by %s, which is not read: only gzip, xz, zstd and lz4 are",
			sqfs_compression_name(sqfs_compression(&r->fs)));
	if (error != SQFS_OK || r->fs.sb.block_size > SQUASHFS_MAX_BLOCK || r->fs.sb.block_size == 0)
		damaged(NULL);
	squashfs_decompress_by_us(&r->fs);
	sqfs_cache_destroy(&r->fs.md_cache);
	if (sqfs_block_cache_init(&r->fs.md_cache, METADATA_BLOCKS) != SQFS_OK)
		event_fail("no memory for squashfs", NULL, ENOMEM);
}

/* The next block of content, which has to be LENGTH bytes long. */
static const void *next_block(struct reader *r, size_t length)
{
	size_t got = 0;
	const void *bytes = NULL;
	if (squashfs_is_numbered(&r->inode))
		bytes = squashfs_ahead_next(r->blocks.block, &got);
	if (!bytes) {
		got = squashfs_read_block(&r->fs, r->blocks.block, r->blocks.header, r->compressed, r->block);
		bytes = r->block;
	}
	if (got != length)
		damaged(r->entry);
	return bytes;
}

/* Has the block with the last piece of a file in one of R->fragment_block: which one. */
static unsigned read_fragment(struct reader *r)
{
	struct squashfs_fragment_entry entry;
	uint32_t index = r->inode.xtra.reg.frag_idx;
	unsigned place;
	size_t got = 0;
	const void *bytes = NULL;
	bool there = squashfs_fragments_find(&r->fragments, index, &place), numbered = squashfs_is_numbered(&r->inode);
	/* The threads don't look at files without numbers, which change nothing of what they know. */
	if (numbered)
		squashfs_fragments_use(&r->fragments, index, place);
	if (!there && !numbered)
		place = SQUASHFS_FRAGMENTS;
	if (there || (!numbered && index == r->unnumbered))
		return place;
	if (sqfs_frag_entry(&r->fs, &entry, index) != SQFS_OK)
		damaged(r->entry);
	if (numbered)
		bytes = squashfs_ahead_next(entry.start_block, &got);
	else
		r->unnumbered = index;
	if (bytes)
		memcpy(r->fragment_block[place], bytes, got);
	else
		got = squashfs_read_block(&r->fs, entry.start_block, entry.size, r->compressed, r->fragment_block[place]);
	if (got == 0)
		damaged(r->entry);
	r->fragment_length[place] = got;
	return place;
}

static int squashfs_content(void *archive, const void **bytes, size_t *length, int64_t *offset)
{
	struct reader *r = archive;
	int64_t size = (int64_t)r->inode.xtra.reg.file_size;
	while (r->blocks.remain > 0 && r->at < size) {
		int64_t left = size - r->at;
		*offset = r->at;
		*length = left < (int64_t)r->fs.sb.block_size ? (size_t)left : r->fs.sb.block_size;
		if (sqfs_blocklist_next(&r->blocks) != SQFS_OK)
			damaged(r->entry);
		r->at += (int64_t)*length;
		/* A block without bytes is a hole. */
		if (r->blocks.input_size == 0)
			continue;
		*bytes = next_block(r, *length);
		return 1;
	}
	if (r->at == size || r->fragment_is_read)
		return 0;
	r->fragment_is_read = true;
	if (r->inode.xtra.reg.frag_idx == SQUASHFS_INVALID_FRAG)
		damaged(r->entry);
	unsigned place = read_fragment(r);
	size_t start = r->inode.xtra.reg.frag_off, have = (size_t)(size - r->at);
	if (start > r->fragment_length[place] || have > r->fragment_length[place] - start)
		damaged(r->entry);
	*bytes = r->fragment_block[place] + start;
	*length = have;
	*offset = r->at;
	r->at = size;
	return 1;
}

static bool squashfs_attribute(void *archive, const char **name, const void **value, size_t *size)
{
	/* By the type in the image. The library's own table has the last two the other way around. */
	static const char *const prefixes[] = {"user.", "trusted.", "security."};
	struct reader *r = archive;
	sqfs_xattr *x = &r->attributes;
	if (x->remain == 0)
		return false;
	if (sqfs_xattr_read(x) != SQFS_OK || x->type >= sizeof prefixes / sizeof *prefixes)
		damaged(r->entry);
	size_t prefix = strlen(prefixes[x->type]);
	if (prefix + x->entry.size > MAX_ATTRIBUTE_NAME)
		damaged(r->entry);
	memcpy(r->attribute_name, prefixes[x->type], prefix);
	r->attribute_name[prefix + x->entry.size] = '\0';
	if (sqfs_xattr_name(x, r->attribute_name + prefix, false) != SQFS_OK || sqfs_xattr_value_size(x, size) != SQFS_OK)
		damaged(r->entry);
	if (*size > MAX_ATTRIBUTE)
		event_failf(r->entry, "extended attribute of %zu bytes is larger than %d", *size, MAX_ATTRIBUTE);
	if (sqfs_xattr_value(x, r->attribute_value) != SQFS_OK)
		damaged(r->entry);
	*name = r->attribute_name;
	*value = r->attribute_value;
	return true;
}

/* The library doesn't compare indexes with the sizes of its tables. */
static void check_indexes(const struct reader *r)
{
	const sqfs_inode *inode = &r->inode;
	const sqfs *fs = &r->fs;
	bool fragment = S_ISREG(inode->base.mode) && inode->xtra.reg.frag_idx != SQUASHFS_INVALID_FRAG;
	bool attributes = inode->xattr != SQUASHFS_INVALID_XATTR && fs->xattr_info.xattr_ids > 0;
	if (inode->base.uid >= fs->sb.no_ids || inode->base.guid >= fs->sb.no_ids ||
		(fragment && inode->xtra.reg.frag_idx >= fs->sb.fragments) ||
		(attributes && inode->xattr >= fs->xattr_info.xattr_ids))
		damaged(r->entry);
}

static void place_inode(struct reader *r, const char *path)
{
	char link[PATH_MAX];
	size_t link_size = sizeof link;
	sqfs_id_t uid, gid;
	const sqfs_inode *inode = &r->inode;
	r->entry = path;
	check_indexes(r);
	if (sqfs_id_get(&r->fs, inode->base.uid, &uid) != SQFS_OK ||
		sqfs_id_get(&r->fs, inode->base.guid, &gid) != SQFS_OK ||
		sqfs_xattr_open(&r->fs, &r->inode, &r->attributes) != SQFS_OK)
		damaged(path);
	struct entry entry = {
		.name = path,
		.mode = (mode_t)inode->base.mode,
		.uid = uid,
		.gid = gid,
		.mtime = {.tv_sec = (time_t)(uint32_t)inode->base.mtime},
		.atime = {.tv_sec = (time_t)(uint32_t)inode->base.mtime},
	};
	const struct entry_source source = {r, squashfs_content, squashfs_attribute};
	if (S_ISREG(entry.mode)) {
		if (inode->xtra.reg.file_size > INT64_MAX)
			damaged(path);
		entry.size = (int64_t)inode->xtra.reg.file_size;
		entry.link = inode->nlink > 1 ? links_first(inode->base.inode_number, path) : NULL;
		entry.hard_link = entry.link != NULL;
		if (entry.hard_link)
			entry.size = 0;
		sqfs_blocklist_init(&r->fs, &r->inode, &r->blocks);
		r->at = 0;
		r->fragment_is_read = false;
	} else if (S_ISLNK(entry.mode)) {
		if (inode->xtra.symlink_size >= sizeof link || sqfs_readlink(&r->fs, &r->inode, link, &link_size) != SQFS_OK)
			damaged(path);
		entry.link = link;
	} else if (S_ISCHR(entry.mode) || S_ISBLK(entry.mode)) {
		entry.device = makedev((unsigned)inode->xtra.dev.major, (unsigned)inode->xtra.dev.minor);
	}
	place(&entry, &source);
}

static void close_image(void)
{
	squashfs_ahead_stop();
	squashfs_decompress_end();
	if (image_is_open)
		sqfs_destroy(&reader.fs);
	image_is_open = false;
}

void squashfs_place(int fd, uint64_t offset)
{
	struct reader *r = &reader;
	open_image(r, fd, offset);
	r->unnumbered = SQUASHFS_INVALID_FRAG;
	squashfs_fragments_open(&r->fragments);
	squashfs_ahead_start(fd, offset, r->fs.sb.block_size);
	for (bool more = squashfs_walk_start(&walk, &r->fs); more; more = squashfs_walk_next(&walk)) {
		r->inode = walk.inode;
		place_inode(r, walk.path);
	}
	if (walk.fault)
		event_fail(walk.fault, walk.path, 0);
	close_image();
}

/* The first of NAMES that is PATH up to the character END. */
static const char *name_of(const char *const *names, const char *path, char end)
{
	size_t length = strlen(path);
	for (; *names; names++)
		if (strncmp(*names, path, length) == 0 && (*names)[length] == end)
			return *names;
	return NULL;
}

const char *squashfs_find(int fd, uint64_t offset, const char *const *names, uint64_t *size,
	unsigned char head[SQUASHFS_HEAD], size_t *length)
{
	struct reader *r = &reader;
	const char *found = NULL;
	open_image(r, fd, offset);
	r->unnumbered = SQUASHFS_INVALID_FRAG;
	squashfs_fragments_open(&r->fragments);
	for (bool more = squashfs_walk_start(&walk, &r->fs); more && !found; more = !found && squashfs_walk_next(&walk)) {
		bool directory = S_ISDIR(walk.inode.base.mode);
		if (directory && strcmp(walk.path, "/") != 0 && !name_of(names, walk.path, '/'))
			walk.inode.base.mode = S_IFREG; /* the walk doesn't go into it */
		else if (S_ISREG(walk.inode.base.mode))
			found = name_of(names, walk.path, '\0');
	}
	if (walk.fault)
		event_fail(walk.fault, walk.path, 0);
	if (found) {
		const void *bytes;
		int64_t at = 0;
		size_t got = 0;
		r->inode = walk.inode;
		r->entry = found;
		check_indexes(r);
		sqfs_blocklist_init(&r->fs, &r->inode, &r->blocks);
		*size = r->inode.xtra.reg.file_size;
		*length = 0;
		if (squashfs_content(r, &bytes, &got, &at) == 1 && at == 0) {
			*length = got < SQUASHFS_HEAD ? got : SQUASHFS_HEAD;
			memcpy(head, bytes, *length);
		}
	}
	close_image();
	return found;
}
