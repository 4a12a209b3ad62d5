#include "fs/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/component.h"
#include "base/descriptor.h"
#include "fs/clean_path.h"
#include "fs/mount_point.h"
#include "fs/mounted.h"

enum { MAX_LINKS = 40, MAX_STEPS_UP = 256, MAX_TRIES = 64 };

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
	walk_visit *each; /* or NULL */
	char here[PATH_MAX], rest[PATH_MAX * 2];
};

static void walk_go(struct walk *w, int fd, bool owned)
{
	if (w->owned)
		close(w->fd);
	w->fd = fd;
	w->owned = owned;
}

/* Starts again with the text that is left: at the mount of the plan that it leads to, or at the root. */
static void walk_start(struct walk *w)
{
	size_t prefix = 0;
	clean_path_tidy(w->rest);
	if (w->on)
		w->on = mounted_above(w->rest, clean_path_down(w->rest), &prefix);
	walk_go(w, w->on ? w->on->fd : w->root, false);
	memcpy(w->here, w->rest, prefix);
	w->here[prefix] = '\0';
	memmove(w->rest, w->rest + prefix, strlen(w->rest + prefix) + 1);
}

/* Puts DIRECTORY, a slash and TEXT before the rest of the text, and starts again. */
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
		if (fd >= 0 || errno != ENOENT || !making || w->rest[clean_path_down(w->rest)])
			return fd;
		if (w->on && w->on->mask) {
			w->on = mounted_open_mask(w->on);
			walk_go(w, w->on->fd, false);
		}
		fd = mount_point_make(w->fd, name, last, !last || making->directory, last ? making->mode : 0755, making->path);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* Enters the directory NAME; the last step takes a file of any type. */
static int walk_enter(struct walk *w, const char *name, int flags)
{
	bool last = !*w->rest;
	size_t length = strlen(w->here), prefix, added = strlen(name) + 1;
	struct stat st;
	int number = ENOTDIR;
	if (length + added >= sizeof w->here) {
		errno = ENAMETOOLONG;
		return -1;
	}
	w->here[length] = '/';
	memcpy(w->here + length + 1, name, added);
	struct mounted *on = w->on ? mounted_above(w->here, length + added, &prefix) : NULL;
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

/* Never inlined: its large frame would cost starts that don't walk. */
__attribute__((noinline)) int walk_resolve(
	int root, struct mounted **on, const char *path, int flags, const struct making *making, walk_visit *each)
{
	struct walk w = {.root = root, .fd = root, .making = making, .each = each};
	char name[NAME_MAX + 1];
	size_t length = strlen(path);
	int left = -1, done = 0;
	if (length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	w.on = on ? *on : NULL;
	w.rest[0] = '/';
	memcpy(w.rest + 1, path, length + 1);
	walk_start(&w);
	while (done == 0 && (left = component_take(w.rest, name)) > 0)
		done = strcmp(name, "..") == 0 ? walk_up(&w) : walk_enter(&w, name, flags);
	if (on)
		*on = w.on;
	int number = errno, found = done < 0 || left < 0 ? -1 : w.owned ? w.fd : descriptor_copy(w.fd);
	if (found >= 0)
		return found;
	walk_go(&w, -1, false);
	errno = number;
	return -1;
}
