#include "unpack/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unpack/attributes.h"
#include "unpack/digest.h"
#include "unpack/directories.h"
#include "unpack/event.h"
#include "unpack/existing.h"
#include "unpack/layers.h"
#include "unpack/mtree.h"
#include "unpack/name.h"
#include "unpack/tree.h"
#include "unpack/whiteout.h"

enum { BLOCK = 4096, MAX_SKIPPED = 4096 };

static struct place_options options;
static struct place_total total;
/* Devices that were left out, since hard links to them are left out, too. */
static char *skipped[MAX_SKIPPED];
static int skipped_count;

/* Where the entry goes: its clean path, the directory that it is made in, and its name there. */
struct spot {
	const char *entry;
	char path[PATH_MAX]; /* without links once the directory is known */
	char name[NAME_MAX + 1];
	int parent; /* O_PATH, of layers_parent() */
};

/* Finds the directory of the entry, or makes it. */
static void enter(struct spot *spot)
{
	const char *name;
	const struct layers_parent *parent = layers_parent(name_parent(spot->path, &name));
	if (!parent)
		event_fail("open its directory", spot->entry, errno);
	snprintf(spot->name, sizeof spot->name, "%s", *name ? name : ".");
	spot->parent = parent->fd;
	if (!*name)
		return;
	if (snprintf(spot->path, sizeof spot->path, "%s%s%s", parent->path, *parent->path ? "/" : "", spot->name) >=
		(int)sizeof spot->path)
		event_fail("open its directory", spot->entry, ENAMETOOLONG);
}

static int upper_directory(const char *path) { return layers_directory(UPPER, path); }

void place_open(const struct place_options *how, const char *target, const char *lower)
{
	char path[PATH_MAX];
	options = *how;
	umask(0);
	snprintf(path, sizeof path, "%s/fs", target);
	if (mkdir(path, MODE_DIRECTORY) < 0)
		event_fail("make the directory of the layer", path, errno);
	layers_open(path, lower);
	directories_open(target);
	layers_make_root();
	snprintf(path, sizeof path, "%s/mtree", target);
	mtree_create(path);
}

/* Counts SIZE bytes of content that come, so that a bomb is noticed before it is written. */
static void expect(int64_t length, const char *entry)
{
	uint64_t size = (uint64_t)length;
	if (length < 0)
		event_failf(entry, "file has a size of %lld bytes", (long long)length);
	if (size > options.max_bytes || total.bytes > options.max_bytes - size)
		event_failf(entry, "archive holds more than %llu bytes", (unsigned long long)options.max_bytes);
	total.bytes += size;
}

/* Removes the file that stands where an entry goes. */
static void make_room(const struct spot *spot)
{
	struct stat st;
	if (fstatat(spot->parent, spot->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		event_fail("replace", spot->entry, errno);
	if (tree_remove(spot->parent, spot->name) < 0)
		event_fail("replace", spot->entry, errno);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		mtree_is_stale();
	if (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
		layers_forget();
}

static void set_owner(const struct spot *spot, const struct entry *e)
{
	if (!options.keep_owners || (e->uid == 0 && e->gid == 0))
		return;
	if (fchownat(spot->parent, spot->name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (errno == EINVAL)
		event_failf(spot->entry, "owner %lu:%lu is not in the user namespace's maps", (unsigned long)e->uid,
			(unsigned long)e->gid);
	event_fail("set the owner", spot->entry, errno);
}

static void set_time(const struct spot *spot, const struct entry *e)
{
	const struct timespec times[2] = {e->atime, e->mtime};
	if (utimensat(spot->parent, spot->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		event_fail("set the time", spot->entry, errno);
}

static bool means_opaque(const char *name, const void *value, size_t size)
{
	return options.whiteouts == WHITEOUTS_OVERLAY && strcmp(name, "trusted.overlay.opaque") == 0 && size == 1 &&
		   *(const char *)value == 'y';
}

/* FD is the file; -1: it is opened if there is an attribute. Returns whether they make the directory opaque. */
static bool set_attributes(int fd, const struct spot *spot, const struct entry_source *source)
{
	int file = fd;
	const char *name;
	const void *value;
	size_t size;
	bool opaque = false;
	while (source->attribute(source->archive, &name, &value, &size)) {
		if (means_opaque(name, value, size)) {
			opaque = true;
			continue;
		}
		if (file < 0)
			file = openat(spot->parent, spot->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (file < 0)
			event_fail("open", spot->entry, errno);
		attributes_set(file, spot->entry, name, value, size);
	}
	if (file != fd)
		close(file);
	return opaque;
}

/* An entry for a directory that was made before: it gets this entry's metadata instead of what it has. */
static void renew_directory(const struct spot *spot, const struct stat *st)
{
	int fd = openat(spot->parent, spot->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, (st->st_mode & MODE_OPAQUE) | MODE_DIRECTORY) < 0 ||
		(options.keep_owners && fchown(fd, 0, 0) < 0))
		event_fail("open a directory", spot->entry, errno);
	attributes_clear(fd, spot->entry);
	close(fd);
}

static void place_directory(struct spot *spot, const struct entry *e, const struct entry_source *source)
{
	struct stat st;
	bool made = *spot->path && mkdirat(spot->parent, spot->name, MODE_DIRECTORY) == 0;
	if (!made && *spot->path && errno != EEXIST)
		event_fail("make a directory", spot->entry, errno);
	if (!made && fstatat(spot->parent, spot->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		event_fail("open a directory", spot->entry, errno);
	if (!made && S_ISDIR(st.st_mode)) {
		renew_directory(spot, &st);
	} else if (!made) {
		make_room(spot);
		if (mkdirat(spot->parent, spot->name, MODE_DIRECTORY) < 0)
			event_fail("make a directory", spot->entry, errno);
		/* The entry that stood there, a whiteout or another file, hid the layers below. */
		if (layers_count() > 1)
			layers_make_opaque(spot->parent, spot->name, spot->entry);
	}
	set_owner(spot, e);
	if (set_attributes(-1, spot, source))
		whiteout_make_opaque(spot->path, spot->entry);
	directories_note(spot->path, e->mode, &e->atime, &e->mtime);
	total.size += BLOCK;
}

/* Writes content, and computes its digest. Holes count as zeros, and stay holes. */
static void write_content(int fd, const struct spot *spot, int64_t size, const struct entry_source *source)
{
	static const unsigned char zeros[BLOCK];
	char digest[DIGEST_TEXT];
	SHA256_CTX sha;
	const void *bytes;
	size_t length;
	int64_t offset, end = 0;
	uint64_t written = 0;
	SHA256_Init(&sha);
	while (size > 0 && source->read(source->archive, &bytes, &length, &offset) > 0) {
		if (offset < end || offset > size || (int64_t)length > size - offset)
			event_fail("content lies outside of its file", spot->entry, 0);
		for (; end < offset; end += offset - end < BLOCK ? offset - end : BLOCK)
			SHA256_Update(&sha, zeros, offset - end < BLOCK ? (size_t)(offset - end) : BLOCK);
		SHA256_Update(&sha, bytes, length);
		written += length;
		for (const char *at = bytes; length > 0;) {
			ssize_t done = pwrite(fd, at, length, end);
			if (done < 0 && errno != EINTR)
				event_fail("write", spot->entry, errno);
			if (done > 0) {
				at += done;
				length -= (size_t)done;
				end += done;
			}
		}
	}
	/* Not for each piece: how content comes in pieces depends on the decoder. */
	total.size += (written + BLOCK - 1) / BLOCK * BLOCK;
	if (end < size && ftruncate(fd, size) < 0)
		event_fail("set the size", spot->entry, errno);
	for (; end < size; end += size - end < BLOCK ? size - end : BLOCK)
		SHA256_Update(&sha, zeros, size - end < BLOCK ? (size_t)(size - end) : BLOCK);
	digest_end(&sha, digest);
	mtree_add(spot->path, digest);
}

/* Makes the file, the link or the fifo; a file is returned open for writing. */
static int make(const struct spot *spot, const struct entry *e)
{
	mode_t mode = e->mode & 0777;
	if (S_ISLNK(e->mode))
		return symlinkat(e->link, spot->parent, spot->name);
	if (S_ISFIFO(e->mode))
		return mknodat(spot->parent, spot->name, S_IFIFO | mode, 0);
	/* Attributes can only be set on a file that its mode lets us write to. */
	return openat(spot->parent, spot->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode | 0600);
}

static int make_or_replace(const struct spot *spot, const struct entry *e, const char *what)
{
	int made = make(spot, e);
	if (made < 0 && errno == EEXIST) {
		make_room(spot);
		made = make(spot, e);
	}
	if (made < 0)
		event_fail(what, spot->entry, errno);
	return made;
}

static void place_file(const struct spot *spot, const struct entry *e, const struct entry_source *source)
{
	const struct timespec times[2] = {e->atime, e->mtime};
	expect(e->size, spot->entry);
	int fd = make_or_replace(spot, e, "make a file");
	write_content(fd, spot, e->size, source);
	/* Before attributes and mode: a change of the owner takes capabilities and set-id bits away. */
	set_owner(spot, e);
	set_attributes(fd, spot, source);
	if ((e->mode & 07777) != ((e->mode & 0777) | 0600) && fchmod(fd, e->mode & 07777) < 0)
		event_fail("set the mode", spot->entry, errno);
	if (futimens(fd, times) < 0)
		event_fail("set the time", spot->entry, errno);
	if (close(fd) < 0)
		event_fail("write", spot->entry, errno);
}

static void place_symlink(const struct spot *spot, const struct entry *e)
{
	if (!e->link || !*e->link)
		event_fail("symbolic link leads nowhere", spot->entry, 0);
	make_or_replace(spot, e, "make a symbolic link");
	set_owner(spot, e);
	set_time(spot, e);
	total.size += BLOCK;
}

static void place_fifo(const struct spot *spot, const struct entry *e)
{
	make_or_replace(spot, e, "make a fifo");
	set_owner(spot, e);
	if ((e->mode & 07000) && fchmodat(spot->parent, spot->name, e->mode & 07777, 0) < 0)
		event_fail("set the mode", spot->entry, errno);
	set_time(spot, e);
	total.size += BLOCK;
}

/* Copies what was FOUND in a lower layer to the same path of this one, so that a hard link to it can be made. */
static void copy_up(const struct layers_found *found, const char *entry)
{
	static struct spot to;
	struct entry copy;
	struct entry_source source;
	const char *name;
	int from = layers_directory(found->layer, name_parent(found->path, &name));
	if (from < 0)
		event_fail("copy a file of a lower layer", entry, errno);
	existing_open(from, name, &found->st, entry, &copy, &source);
	close(from);
	to.entry = entry;
	snprintf(to.path, sizeof to.path, "%s", found->path);
	enter(&to);
	if (S_ISREG(copy.mode))
		place_file(&to, &copy, &source);
	else if (S_ISLNK(copy.mode))
		place_symlink(&to, &copy);
	else
		place_fifo(&to, &copy);
	existing_close(&source);
}

static bool was_skipped(const char *path)
{
	for (int i = 0; i < skipped_count; i++)
		if (strcmp(skipped[i], path) == 0)
			return true;
	return false;
}

static void skip(const char *what, const struct spot *spot)
{
	event_skipped(what, spot->entry);
	if (skipped_count < MAX_SKIPPED && (skipped[skipped_count] = strdup(spot->path)))
		skipped_count++;
}

/* Some archives carry the content with the last hard link, and not with the first. */
static void write_linked(const struct spot *spot, const struct entry *e, const struct entry_source *source)
{
	expect(e->size, spot->entry);
	int fd = openat(spot->parent, spot->name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		event_fail("write through a hard link", spot->entry, errno);
	mtree_is_stale();
	write_content(fd, spot, e->size, source);
	if ((e->mode & 07000) && fchmod(fd, e->mode & 07777) < 0)
		event_fail("set the mode", spot->entry, errno);
	close(fd);
	set_time(spot, e);
}

/* The file that a hard link leads to, in this layer; it is copied there if a lower one has it. False: left out. */
static bool find_target(const char *target, const struct spot *spot, struct layers_found *found)
{
	char path[PATH_MAX];
	name_clean(target, spot->entry, path);
	if (!layers_find(path, true, found)) {
		if (errno != ENOENT && errno != ENOTDIR)
			event_fail("find what the hard link leads to", spot->entry, errno);
		found->type = LAYERS_NOTHING;
	}
	if (found->type == LAYERS_NOTHING && was_skipped(path))
		return false;
	if (found->type == LAYERS_NOTHING)
		event_failf(spot->entry, "hard link leads to %s, which is not there", target);
	if (found->type == LAYERS_DIRECTORY)
		event_failf(spot->entry, "hard link leads to the directory %s", target);
	if (found->layer != UPPER)
		copy_up(found, spot->entry);
	return true;
}

static void place_hard_link(struct spot *spot, const struct entry *e, const struct entry_source *source)
{
	static struct layers_found found;
	struct stat st;
	const char *name;
	/* Before enter(), since a copy of a lower layer's file needs other directories. */
	if (!find_target(e->link, spot, &found)) {
		skip("device", spot);
		return;
	}
	enter(spot);
	int target = upper_directory(name_parent(found.path, &name));
	int made = target < 0 ? -1 : linkat(target, name, spot->parent, spot->name, 0);
	if (made < 0 && errno == EEXIST) {
		bool same = fstatat(target, name, &found.st, AT_SYMLINK_NOFOLLOW) == 0 &&
					fstatat(spot->parent, spot->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == found.st.st_ino &&
					st.st_dev == found.st.st_dev;
		if (!same)
			make_room(spot);
		made = same ? 0 : linkat(target, name, spot->parent, spot->name, 0);
	}
	if (made < 0)
		event_fail("make a hard link", spot->entry, errno);
	close(target);
	if (e->size > 0 && S_ISREG(found.st.st_mode))
		write_linked(spot, e, source);
	else if (S_ISREG(found.st.st_mode))
		mtree_add_link(spot->path, found.path);
}

void place(const struct entry *e, const struct entry_source *source)
{
	static struct spot spot;
	spot.entry = e->name;
	if (++total.entries > options.max_entries)
		event_failf(spot.entry, "archive has more than %llu entries", (unsigned long long)options.max_entries);
	event_progress(total.bytes, total.entries);
	name_clean(e->name, spot.entry, spot.path);
	if (options.whiteouts == WHITEOUTS_OCI && whiteout(spot.path, spot.entry))
		return;
	if (!*spot.path && (e->hard_link || !S_ISDIR(e->mode)))
		event_fail("root of the archive is not a directory", spot.entry, 0);
	if (e->hard_link) {
		place_hard_link(&spot, e, source);
		return;
	}
	switch (e->mode & S_IFMT) {
	case S_IFCHR:
		if (options.whiteouts == WHITEOUTS_OVERLAY && e->device == 0) {
			whiteout_hide(spot.path, spot.entry);
			return;
		}
		skip("device", &spot);
		return;
	case S_IFBLK: skip("device", &spot); return;
	case S_IFSOCK: skip("socket", &spot); return;
	}
	enter(&spot);
	switch (e->mode & S_IFMT) {
	case S_IFDIR: place_directory(&spot, e, source); return;
	case S_IFREG: place_file(&spot, e, source); return;
	case S_IFLNK: place_symlink(&spot, e); return;
	case S_IFIFO: place_fifo(&spot, e); return;
	default: event_failf(spot.entry, "file has the unknown type %o", (unsigned)(e->mode & S_IFMT));
	}
}

void place_remove(const char *path)
{
	static struct spot spot;
	struct stat st;
	spot.entry = path;
	snprintf(spot.path, sizeof spot.path, "%s", path);
	enter(&spot);
	if (fstatat(spot.parent, spot.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		make_room(&spot);
}

struct place_total place_finish(void)
{
	layers_resolve_opaque();
	directories_apply(upper_directory);
	mtree_finish();
	return total;
}
