#include "hide/crawl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"
#include "hide/cover.h"
#include "hide/directory.h"
#include "hide/failure.h"
#include "hide/kernels.h"
#include "hide/states.h"

enum { NAMES_BEFORE_CLOCK = 1 << 12, STATE_BYTES = sizeof(void *) };

/* A directory that is being walked. PATH_LENGTH: of its path in `path`, or 0 if that is longer than PATH_MAX. */
struct place {
	int fd;
	dev_t device;
	ino_t inode;
	size_t path_length;
	const struct place *above;
};

/* The top of the tree, and its path. */
static int tree_top;
static const char *tree_path;
static size_t hidden, seen;
static struct timespec deadline;
/* For messages, and to follow links. */
static char path[PATH_MAX];
/* Names of directories that are still to be walked, each with its state before it. */
static char *waiting;
static size_t waiting_length, waiting_room;

static void check_clock(void)
{
	struct timespec time;
	if (++seen % NAMES_BEFORE_CLOCK)
		return;
	clock_gettime(CLOCK_MONOTONIC, &time);
	if (time.tv_sec > deadline.tv_sec || (time.tv_sec == deadline.tv_sec && time.tv_nsec > deadline.tv_nsec))
		failure("to look for what is hidden takes too long", tree_path,
			"begin the pattern with the directory that it is about, or leave large directories out: '!DIR/**'", 0);
}

static void count_hidden(void)
{
	if (++hidden > CRAWL_MOST)
		failure("too many names are hidden", tree_path, "hide the directories that they are in", 0);
}

/* Puts NAME behind the path of the first LENGTH bytes. 0 where that is too long. */
static size_t extend_path(size_t length, const char *name, size_t name_length)
{
	if (!length || length + 1 + name_length >= sizeof path)
		return 0;
	path[length] = '/';
	memcpy(path + length + 1, name, name_length + 1);
	return length + 1 + name_length;
}

static void wait_for(const char *name, size_t length, const struct state *state)
{
	size_t needed = waiting_length + STATE_BYTES + length + 1;
	if (needed > waiting_room) {
		waiting_room = needed * 2;
		waiting = realloc(waiting, waiting_room);
		if (!waiting)
			failure("allocate", NULL, NULL, ENOMEM);
	}
	memcpy(waiting + waiting_length, &state, STATE_BYTES);
	memcpy(waiting + waiting_length + STATE_BYTES, name, length + 1);
	waiting_length = needed;
}

/* Whether a path to FD leads through directories that hold the link: to cover it would cover those. */
static bool holds(int fd, const struct place *place)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return true;
	for (; place; place = place->above)
		if (place->device == st.st_dev && place->inode == st.st_ino)
			return true;
	return false;
}

/* Covers what the link leads to, if that lies in the tree. The path of the link is in `path`. */
static void cover_target(const struct place *place, const char *name)
{
	struct sys_open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_DOWN | RESOLVE_NO_MAGIC};
	const char *from = path + strlen(tree_path);
	char to[PATH_MAX];
	ssize_t length = readlinkat(place->fd, name, to, sizeof to - 1);
	if (length > 0 && to[0] == '/') {
		size_t top = strlen(tree_path);
		to[length] = '\0';
		if (strncmp(to, tree_path, top) != 0 || to[top] != '/')
			return;
		from = to + top;
	}
	while (*from == '/')
		from++;
	/* ENOSYS before Linux 5.6: then the link alone is covered. */
	int fd = *from ? sys_openat2(tree_top, from, &how) : -1;
	if (fd < 0)
		return;
	if (!holds(fd, place) && cover_file(fd, path))
		count_hidden();
	close(fd);
}

static void hide_entry(const struct place *place, const char *name, size_t path_length, bool may_be_link)
{
	struct stat st;
	if (may_be_link && path_length && fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		cover_target(place, name);
	if (cover_name(place->fd, name, path_length ? path : name))
		count_hidden();
}

/* What `directory_read` is given. */
struct reading {
	const struct place *place;
	const struct state *state;
};

static void read_entry(void *data, const struct directory_entry *entry)
{
	const struct reading *reading = data;
	const struct place *place = reading->place;
	const char *name = entry->name;
	size_t length = strlen(name);
	check_clock();
	struct step step = states_step(reading->state, name, length);
	if (step.hidden)
		hide_entry(place, name, extend_path(place->path_length, name, length),
			entry->type == DT_LNK || entry->type == DT_UNKNOWN);
	else if (step.next && (entry->type == DT_DIR || entry->type == DT_UNKNOWN))
		wait_for(name, length, step.next);
}

static void walk_directory(const struct place *place, const struct state *state);

/* Walks the directory NAME. If it can't be read, it is hidden as a whole, since the box might know names in it. */
static void walk_below(const struct place *place, const char *name, const struct state *state)
{
	struct stat st;
	size_t length = extend_path(place->path_length, name, strlen(name));
	if (directory_is_automount(place->fd, place->device, name))
		return;
	int fd = directory_open(place->fd, name);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return;
	if (fd < 0 && directory_is_scarcity(errno))
		failure("open", length ? path : name, NULL, errno);
	if (fd < 0) {
		hide_entry(place, name, length, false);
		return;
	}
	if (fstat(fd, &st) < 0)
		failure("open", length ? path : name, NULL, errno);
	struct place below = {fd, st.st_dev, st.st_ino, length, place};
	if (st.st_dev == place->device || !kernels_own(fd))
		walk_directory(&below, state);
	close(fd);
}

static void walk_directory(const struct place *place, const struct state *state)
{
	struct reading reading = {place, state};
	size_t begin = waiting_length;
	if (directory_read(place->fd, read_entry, &reading) < 0) {
		if (directory_is_scarcity(errno) || !place->above)
			failure("read the directory", place->path_length ? path : tree_path, NULL, errno);
		waiting_length = begin;
		if (cover_file(place->fd, place->path_length ? path : tree_path))
			count_hidden();
		return;
	}
	for (size_t at = begin, end = waiting_length; at < end;) {
		const struct state *next;
		/* Valid until the walk goes below, which moves what waits. A name is longer than NAME_MAX in some FUSE trees.
		 */
		const char *name = waiting + at + STATE_BYTES;
		memcpy(&next, waiting + at, STATE_BYTES);
		at += STATE_BYTES + strlen(name) + 1;
		walk_below(place, name, next);
	}
	waiting_length = begin;
}

size_t crawl_all(int top, const char *from, const struct state *state)
{
	struct stat st;
	tree_top = top;
	tree_path = from;
	directory_find_automounts();
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += CRAWL_SECONDS;
	int fd = directory_open(top, ".");
	/* It is hidden whole, as any directory that can't be listed. */
	if (fd < 0 && errno == EACCES && *from)
		return cover_file(top, from);
	if (fd < 0 || fstat(fd, &st) < 0)
		failure("open", from, NULL, errno);
	struct place place = {fd, st.st_dev, st.st_ino, strlen(from), NULL};
	if (place.path_length >= sizeof path)
		failure("open", from, NULL, ENAMETOOLONG);
	memcpy(path, from, place.path_length + 1);
	walk_directory(&place, state);
	close(fd);
	if (states_overflow())
		failure("the patterns are too many, or have too many **", from, NULL, 0);
	return hidden;
}
