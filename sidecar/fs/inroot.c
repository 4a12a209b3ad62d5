#include "fs/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/make_hint.h"
#include "fs/mounted.h"
#include "fs/rollback.h"

enum { MAX_LINKS = 40, MAX_STEPS_UP = 256, MAX_TRIES = 64 };

static bool force_walk;

static struct mounted *(*open_mask)(const struct mounted *mask);

void inroot_force_walk(void) { force_walk = true; }
void inroot_open_masks_by(struct mounted *(*function)(const struct mounted *mask)) { open_mask = function; }

/* How to make the last component if it is missing; missing parents become directories. PATH is for messages. */
struct making {
	bool directory;
	mode_t mode;
	const char *path;
};

/*
 * The state of a walk, which goes one component at a time: the directory that we are in, as a descriptor and as its
 * path without links, and the text that is still to be walked.
 */
struct walk {
	int root; /* absolute links start here, if ON is NULL */
	struct mounted *on; /* the mount of the plan that we are on; NULL: the walk ignores mounts of the plan */
	int fd; /* the directory that we are in */
	bool owned; /* FD is ours to close: it isn't the descriptor of a mount or of the root */
	int links, steps_up;
	const struct making *making; /* or NULL */
	inroot_visit *each; /* or NULL */
	char here[PATH_MAX], rest[PATH_MAX * 2];
};

static void walk_go(struct walk *w, int fd, bool owned)
{
	if (w->owned)
		close(w->fd);
	w->fd = fd;
	w->owned = owned;
}

static bool is_name(const char *start, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(start, name, length) == 0;
}

/* Leaves one slash before each component, and removes "."; ".." stays. The text doesn't grow. */
static void tidy(char *text)
{
	char *to = text;
	for (const char *from = text + strspn(text, "/"); *from; from += strspn(from, "/")) {
		size_t length = strcspn(from, "/");
		if (!is_name(from, length, ".")) {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	*to = '\0';
}

/* The number of bytes before the first "..". */
static size_t length_down(const char *text)
{
	const char *at = text;
	for (; *at && !is_name(at + 1, strcspn(at + 1, "/"), ".."); at += 1 + strcspn(at + 1, "/"))
		;
	return (size_t)(at - text);
}

/* Starts anew with the text that is left: at the mount of the plan that it leads to, or at the root. */
static void walk_start(struct walk *w)
{
	size_t prefix = 0;
	tidy(w->rest);
	if (w->on)
		w->on = mounted_above(w->rest, length_down(w->rest), &prefix);
	walk_go(w, w->on ? w->on->fd : w->root, false);
	memcpy(w->here, w->rest, prefix);
	w->here[prefix] = '\0';
	memmove(w->rest, w->rest + prefix, strlen(w->rest + prefix) + 1);
}

/* Puts DIRECTORY, a slash and TEXT before the rest of the text, and starts anew. */
static int walk_insert(struct walk *w, const char *directory, size_t directory_length, const char *text, size_t length)
{
	size_t rest = strlen(w->rest), before = directory_length + 1 + length;
	if (before + rest >= sizeof w->rest || directory_length >= sizeof w->here) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memmove(w->rest + before, w->rest, rest + 1);
	memcpy(w->rest, directory, directory_length);
	w->rest[directory_length] = '/';
	memcpy(w->rest + directory_length + 1, text, length);
	walk_start(w);
	return 0;
}

static int walk_link(struct walk *w, int link)
{
	char to[PATH_MAX];
	ssize_t length = readlinkat(link, "", to, sizeof to);
	if (length < 0)
		return -1;
	if (++w->links > MAX_LINKS) {
		errno = ELOOP;
		return -1;
	}
	return walk_insert(w, w->here, to[0] == '/' ? 0 : strlen(w->here), to, (size_t)length);
}

/* Goes up by name, and not by the kernel's "..": the directory may have been moved out of the root meanwhile. */
static int walk_up(struct walk *w)
{
	const char *last = strrchr(w->here, '/');
	if (!last)
		return 0;
	if (++w->steps_up > MAX_STEPS_UP) {
		errno = ELOOP;
		return -1;
	}
	return walk_insert(w, w->here, (size_t)(last - w->here), "", 0);
}

/* mkdirat(2) ignores the set-id bits and the sticky bit. */
static int set_special_bits(int parent, const char *name, mode_t mode)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int done = fd < 0 ? -1 : fchmod(fd, mode);
	descriptor_close(fd);
	return done;
}

/*
 * Makes a directory or an empty file, and opens it with O_PATH. -1 with EEXIST if NAME exists by now; else fails by
 * fail().
 */
static int make_in(int parent, const char *name, bool is_last, bool directory, mode_t mode, const char *path)
{
	rollback_begin();
	int done = directory ? mkdirat(parent, name, mode)
						 : openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
	if (done < 0) {
		rollback_done();
		if (errno == EEXIST)
			return -1;
		fail_hint("make mount point", path, make_hint(parent, inroot_clean(path)));
	}
	if (!directory)
		close(done);
	rollback_remember(parent, name, directory);
	if (is_last)
		report_made(path);
	if (directory && (mode & 07000) && set_special_bits(parent, name, mode) < 0)
		fail("set the mode", path);
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("open", path);
	return fd;
}

/*
 * Opens NAME in the directory that we are in, and makes it if it may. Other boxes may make and remove it meanwhile: try
 * again.
 */
static int walk_open(struct walk *w, const char *name)
{
	const struct making *making = w->making;
	bool last = !*w->rest;
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		int fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT || !making || w->rest[length_down(w->rest)])
			return fd;
		if (w->on && w->on->mask) {
			w->on = open_mask(w->on);
			walk_go(w, w->on->fd, false);
		}
		fd = make_in(w->fd, name, last, !last || making->directory, last ? making->mode : 0755, making->path);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* Enters the directory NAME; the last step takes a file of any type. */
static int walk_enter(struct walk *w, const char *name, int flags)
{
	bool last = !*w->rest;
	size_t length = strlen(w->here), prefix, more = strlen(name) + 1;
	struct stat st;
	int number = ENOTDIR;
	if (length + more >= sizeof w->here) {
		errno = ENAMETOOLONG;
		return -1;
	}
	w->here[length] = '/';
	memcpy(w->here + length + 1, name, more);
	struct mounted *on = w->on ? mounted_above(w->here, length + more, &prefix) : NULL;
	bool mounted = on != w->on;
	int fd = mounted ? on->fd : walk_open(w, name);
	if (fd < 0)
		return -1;
	if (!mounted)
		on = w->on;
	if (fstat(fd, &st) < 0) {
		if (!mounted)
			descriptor_close(fd);
		return -1;
	}
	if (w->each)
		w->each(mounted ? -1 : w->fd, name, fd, &st);
	if (S_ISLNK(st.st_mode) && !(last && (flags & O_NOFOLLOW))) {
		w->here[length] = '\0';
		number = walk_link(w, fd) < 0 ? errno : 0;
	} else if (S_ISDIR(st.st_mode) || (last && !(flags & O_DIRECTORY))) {
		walk_go(w, fd, !mounted);
		w->on = on;
		return 0;
	}
	if (!mounted)
		close(fd);
	errno = number;
	return number ? -1 : 0;
}

/* Takes the next component off the text. 0 at its end, -1 for a component that is too long. */
static int walk_next(struct walk *w, char name[NAME_MAX + 1])
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t length = strcspn(start, "/");
	if (length > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, start, length);
	name[length] = '\0';
	memmove(w->rest, start + length, strlen(start + length) + 1);
	return length > 0;
}

/*
 * Does what RESOLVE_IN_ROOT of openat2 does: links are read, and followed from the root. If a directory is moved while
 * we walk, we stay in the one that we opened. Never inlined: its large frame would cost starts that don't walk.
 */
__attribute__((noinline)) static int walk(
	int root, struct mounted **on, const char *path, int flags, const struct making *making, inroot_visit *each)
{
	struct walk w = {.root = root, .fd = root, .making = making, .each = each};
	char name[NAME_MAX + 1];
	size_t length = strlen(path);
	int more = -1, done = 0;
	if (length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	w.on = on ? *on : NULL;
	w.rest[0] = '/';
	memcpy(w.rest + 1, path, length + 1);
	walk_start(&w);
	while (done == 0 && (more = walk_next(&w, name)) > 0)
		done = strcmp(name, "..") == 0 ? walk_up(&w) : walk_enter(&w, name, flags);
	if (on)
		*on = w.on;
	int number = errno, found = done < 0 || more < 0 ? -1 : w.owned ? w.fd : descriptor_copy(w.fd);
	if (found >= 0)
		return found;
	walk_go(&w, -1, false);
	errno = number;
	return -1;
}

/* Opens by openat2. -1 with errno; EAGAIN: our own walk has to try. */
static int open_by_kernel(int dir, const char *path, int flags, uint64_t resolve)
{
	struct sys_open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = resolve};
	/* EAGAIN: the kernel saw a rename or mount meanwhile, which may mislead its "..". Our own walk can't be misled. */
	for (int tries = 0; !force_walk && tries < MAX_TRIES; tries++) {
		int fd = sys_openat2(dir, path, &how);
		if (fd >= 0 || (errno != EAGAIN && !sys_is_refused(errno)))
			return fd;
		force_walk = errno != EAGAIN;
	}
	errno = EAGAIN;
	return -1;
}

int inroot_open(int root, const char *path, int flags)
{
	int fd = open_by_kernel(root, path, flags, RESOLVE_IN_BOX | RESOLVE_NO_MAGIC);
	return fd >= 0 || errno != EAGAIN ? fd : walk(root, NULL, path, flags, NULL, NULL);
}

const char *inroot_clean(const char *path)
{
	char *text = strdup(path), *to = text;
	if (!text)
		fail("allocate", NULL);
	tidy(text);
	for (const char *from = text; *from;) {
		size_t length = 1 + strcspn(from + 1, "/");
		if (is_name(from, length, "/..")) {
			while (to > text && *--to != '/')
				;
		} else {
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	*to = '\0';
	return text;
}

int inroot_find(const char *path, int flags, struct mounted **found_on)
{
	size_t length = strlen(path), prefix;
	struct mounted *on = mounted_above(path, length, &prefix);
	int fd = prefix == length ? descriptor_copy(on->fd) :
							  /* Without links, these names lead nowhere but down this mount, and onto those that were
								 bound along with it. */
				 open_by_kernel(on->fd, path + prefix + 1, flags, RESOLVE_DOWN | RESOLVE_NO_LINKS);
	if (fd < 0 && prefix != length && (errno == EAGAIN || errno == ELOOP || errno == EXDEV))
		fd = walk(mounted_root(), &on, path, flags, NULL, NULL);
	if (found_on)
		*found_on = on;
	return fd;
}

int inroot_walk(const char *path, inroot_visit *each)
{
	size_t prefix;
	struct mounted *on = mounted_above(path, strlen(path), &prefix);
	return walk(mounted_root(), &on, path, O_DIRECTORY, NULL, each);
}

int inroot_make(const char *path, bool directory, mode_t mode)
{
	struct mounted *on = NULL;
	const struct making making = {directory, mode, *path ? path : "/"};
	int fd = inroot_find(path, 0, &on);
	if (fd < 0 && errno == ENOENT && (fd = walk(mounted_root(), &on, path, 0, &making, NULL)) < 0)
		fail("make mount point", making.path);
	if (fd < 0)
		fail("open", making.path);
	return fd;
}

int inroot_parent(const char *path, const char **name)
{
	const char *last = strrchr(path, '/');
	if (!last)
		fail_plain("is the root itself", "/");
	*name = last + 1;
	char *above = strndup(path, (size_t)(last - path));
	if (!above)
		fail("allocate", NULL);
	int parent = inroot_make(above, true, 0755);
	size_t length = strlen(above), prefix;
	const struct mounted *on = mounted_above(above, length, &prefix);
	if (on->mask && prefix == length) {
		close(parent);
		parent = descriptor_copy(open_mask(on)->fd);
		if (parent < 0)
			fail("open", path);
	}
	free(above);
	return parent;
}

void inroot_link(const char *path, const char *to)
{
	const char *name;
	char now[PATH_MAX];
	int parent = inroot_parent(path, &name);
	rollback_begin();
	if (symlinkat(to, parent, name) == 0) {
		rollback_remember(parent, name, false);
		report_made(path);
		close(parent);
		return;
	}
	rollback_done();
	if (errno != EEXIST)
		fail_hint("make symbolic link", path, make_hint(parent, inroot_clean(path)));
	ssize_t length = readlinkat(parent, name, now, sizeof now);
	errno = EEXIST;
	if (length < 0 || (size_t)length != strlen(to) || memcmp(now, to, (size_t)length) != 0)
		fail_hint(
			"make symbolic link", path, "--bind and --file put something over what is there, a symbolic link can't");
	rollback_use_link(parent, name);
	close(parent);
}

/* Opens PATH, and makes it if it is missing; a link in its last component is opened itself. */
static int open_unlinked(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t above = name ? (size_t)(name - path) : 0, prefix;
	const struct mounted *on = mounted_above(path, above, &prefix);
	int fd = -1;
	/* Mostly it is there, directly in the root. */
	if (name && prefix == above && !on->mask)
		fd = openat(on->fd, name + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int parent = inroot_parent(path, &name);
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = make_in(parent, name, true, true, 0755, path);
	descriptor_close(parent);
	return fd;
}

/*
 * For /proc and /dev: if a link of the root led the mount elsewhere, the box would see another directory at that name.
 */
int inroot_make_unlinked(const char *path)
{
	struct stat st;
	size_t length = strlen(path), prefix;
	const struct mounted *on = mounted_above(path, length, &prefix);
	int fd = length && prefix == length ? descriptor_copy(on->fd) : open_unlinked(path);
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", path);
	if (S_ISLNK(st.st_mode))
		fail_plain_hint(
			"is a symbolic link", path, "the root has a symbolic link there; nsbox mounts this on a directory only");
	if (!S_ISDIR(st.st_mode))
		fail_plain("is not a directory", path);
	return fd;
}

bool inroot_is_root(int fd)
{
	/* Read once, since the root stays the same. */
	static struct sys_statx a;
	struct sys_statx b;
	if ((!a.mask && sys_statx(mounted_root(), &a) < 0) || sys_statx(fd, &b) < 0)
		return false;
	bool same = a.inode == b.inode && a.device_major == b.device_major && a.device_minor == b.device_minor;
	/* The mount id came with Linux 5.8. An older kernel has us take the same directory for the same mount. */
	return same && (!(a.mask & b.mask & WANT_MOUNT_ID) || a.mount_id == b.mount_id);
}
