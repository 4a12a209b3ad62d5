#include "unpack/squashfs_walk.h"

#include <endian.h>
#include <string.h>
#include <sys/stat.h>

static const char damage[] = "squashfs is damaged";

enum {
	NOT_LISTED = 3, /* bytes that the size of each list counts for "." and ".." */
	MAX_RUN = 256,
};

/*
 * Enters the directory that the walk is at. A tree has at most as many directories as inodes: more of them means that
 * one lies in several others.
 */
static bool descend(struct squashfs_walk *walk, size_t path_length)
{
	const sqfs_inode *inode = &walk->inode;
	for (size_t i = 0; i < walk->depth; i++)
		if (walk->levels[i].id == walk->id) {
			walk->fault = "directory lies in itself";
			return false;
		}
	if (walk->depth == SQUASHFS_MAX_DEPTH || ++walk->directories > walk->fs->sb.inodes) {
		walk->fault = damage;
		return false;
	}
	walk->levels[walk->depth++] = (struct squashfs_level){
		.id = walk->id,
		.cursor =
			{
				.block = (sqfs_off_t)(walk->fs->sb.directory_table_start + inode->xtra.dir.start_block),
				.offset = inode->xtra.dir.offset,
			},
		.left = inode->xtra.dir.dir_size > NOT_LISTED ? inode->xtra.dir.dir_size - NOT_LISTED : 0,
		.path_length = path_length,
	};
	return true;
}

/* Reads SIZE bytes of a list. */
static bool list_read(struct squashfs_walk *walk, struct squashfs_level *level, void *to, size_t size)
{
	if (size > level->left || sqfs_md_read(walk->fs, &level->cursor, to, size) != SQFS_OK)
		return false;
	level->left -= size;
	return true;
}

/* The name ends up at the end of the path. A name can't hold what parts a path: one that does comes from an attacker.
 */
static const char *read_entry(struct squashfs_walk *walk, struct squashfs_level *level)
{
	struct squashfs_dir_header header;
	struct squashfs_dir_entry entry;
	if (level->run == 0) {
		if (!list_read(walk, level, &header, sizeof header))
			return damage;
		level->run = le32toh(header.count) + 1;
		level->block = le32toh(header.start_block);
		if (level->run == 0 || level->run > MAX_RUN)
			return damage;
	}
	if (!list_read(walk, level, &entry, sizeof entry))
		return damage;
	level->run--;
	size_t size = (size_t)le16toh(entry.size) + 1;
	if (size > SQUASHFS_NAME_LEN)
		return damage;
	if (size >= sizeof walk->path - level->path_length)
		return "path is too long";
	char *name = walk->path + level->path_length;
	if (!list_read(walk, level, name, size))
		return damage;
	name[size] = '\0';
	if (strlen(name) != size || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "name is not one of a file";
	walk->id = (sqfs_inode_id)level->block << 16 | le16toh(entry.offset);
	return sqfs_inode_get(walk->fs, &walk->inode, walk->id) == SQFS_OK ? NULL : damage;
}

bool squashfs_walk_start(struct squashfs_walk *walk, sqfs *fs)
{
	walk->fs = fs;
	walk->fault = NULL;
	walk->depth = 0;
	walk->directories = 0;
	walk->id = sqfs_inode_root(fs);
	strcpy(walk->path, "/");
	if (sqfs_inode_get(fs, &walk->inode, walk->id) != SQFS_OK || !S_ISDIR(walk->inode.base.mode))
		walk->fault = damage;
	return !walk->fault;
}

bool squashfs_walk_next(struct squashfs_walk *walk)
{
	/* Paths of entries begin without a slash. */
	size_t length = walk->depth == 0 ? 0 : strlen(walk->path);
	if (S_ISDIR(walk->inode.base.mode)) {
		if (length > 0 && length + 1 < sizeof walk->path)
			walk->path[length++] = '/';
		if (!descend(walk, length)) {
			walk->path[length] = '\0';
			return false;
		}
	}
	while (walk->levels[walk->depth - 1].left == 0) {
		if (walk->depth == 1)
			return false;
		walk->depth--;
	}
	walk->fault = read_entry(walk, &walk->levels[walk->depth - 1]);
	return !walk->fault;
}
