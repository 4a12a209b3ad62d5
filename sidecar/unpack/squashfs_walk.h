/*
 * A walk through the tree of a squashfs, each directory before what is in it. It stands in the place of the library's,
 * which trusts the length of a name and follows a directory that lies in itself.
 */
#ifndef NSBOX_UNPACK_SQUASHFS_WALK_H
#define NSBOX_UNPACK_SQUASHFS_WALK_H

#include <limits.h>
#include <squashfuse/squashfuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than name.c lets through. */
enum { SQUASHFS_MAX_DEPTH = 300 };

/* A directory that the walk is in. */
struct squashfs_level {
	sqfs_inode_id id;
	sqfs_md_cursor cursor; /* in its list */
	uint64_t left; /* bytes of its list */
	uint32_t run; /* entries left of those whose inodes lie in BLOCK */
	uint32_t block;
	size_t path_length;
};

struct squashfs_walk {
	sqfs *fs;
	/* The entry that the walk is at. */
	char path[PATH_MAX];
	sqfs_inode inode;
	/* The fault of the image where a walk ended early. */
	const char *fault;
	/* Private. */
	sqfs_inode_id id;
	uint64_t directories;
	size_t depth;
	struct squashfs_level levels[SQUASHFS_MAX_DEPTH];
};

/* Stands at the root, whose path is "/". False: FAULT. */
bool squashfs_walk_start(struct squashfs_walk *walk, sqfs *fs);
/* Goes on to the next entry. False: there is none, or FAULT. */
bool squashfs_walk_next(struct squashfs_walk *walk);

#endif
