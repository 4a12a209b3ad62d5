#include "hide/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "hide/cover.h"
#include "hide/directory.h"
#include "hide/failure.h"
#include "hide/kernels.h"

enum { MOST = 20000, MAX_TRIES = 16 };

/*
 * Where sockets lie. They are looked for there too, since the list has only those of one network namespace: a container
 * or a service with a private network has others. DEPTH: how many directories below it.
 */
static const struct {
	const char *path;
	int depth;
} trees[] = {{"/run", 5}, {"/var/run", 5}, {"/tmp", 3}, {"/var/tmp", 3}};
/* Directories that are hidden whole, as each one in /run/user is, since sockets come up in them later. */
static const char *const whole[] = {"/run/dbus", "/tmp/.X11-unix", "/tmp/.ICE-unix"};

static int tree_top;
static const char *tree_path;
static char *const *allowed_paths;
static struct stat *allowed_files;
static size_t allowed_count, hidden;
/* The path of the entry that the walk looks at. */
static char walk_path[PATH_MAX];

static bool is_at_or_below(const char *path, const char *above)
{
	size_t length = strlen(above);
	return strncmp(path, above, length) == 0 &&
		   (!path[length] || path[length] == '/' || (length && above[length - 1] == '/'));
}

/* A descriptor of the host's path in the tree; -1 with errno. */
static int open_path(const char *path)
{
	struct sys_open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGIC | (*tree_path ? RESOLVE_DOWN : RESOLVE_IN_BOX)};
	errno = ENOENT;
	if (!is_at_or_below(path, tree_path))
		return -1;
	path += strlen(tree_path);
	while (*path == '/')
		path++;
	if (!*path)
		return openat(tree_top, ".", O_PATH | O_CLOEXEC);
	int fd = sys_openat2(tree_top, path, &how);
	/* Before Linux 5.6 a link may lead out of the tree: what is covered there is in no box. */
	return fd < 0 && sys_is_refused(errno) ? openat(tree_top, path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : fd;
}

static void remember_allowed(void)
{
	while (allowed_paths[allowed_count])
		allowed_count++;
	allowed_files = calloc(allowed_count + 1, sizeof *allowed_files);
	if (!allowed_files)
		failure("allocate", NULL, NULL, ENOMEM);
	for (size_t i = 0; i < allowed_count; i++) {
		int fd = open_path(allowed_paths[i]);
		if (fd < 0 || fstat(fd, &allowed_files[i]) < 0)
			allowed_files[i].st_mode = 0;
		close(fd);
	}
}

static bool is_allowed(const char *path, const struct stat *st)
{
	for (size_t i = 0; i < allowed_count; i++)
		if (is_at_or_below(path, allowed_paths[i]) ||
			(S_ISSOCK(allowed_files[i].st_mode) && allowed_files[i].st_dev == st->st_dev &&
				allowed_files[i].st_ino == st->st_ino))
			return true;
	return false;
}

/* Whether something at PATH or below it may stay. */
static bool holds_allowed(const char *path)
{
	for (size_t i = 0; i < allowed_count; i++)
		if (is_at_or_below(path, allowed_paths[i]) || is_at_or_below(allowed_paths[i], path))
			return true;
	return false;
}

static void count_socket(void)
{
	if (++hidden > MOST)
		failure("too many sockets are hidden", tree_path, NULL, 0);
}

static void hide_socket(const char *path)
{
	struct stat st;
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		int fd = open_path(path);
		bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && !is_allowed(path, &st);
		bool done = !is || cover_file(fd, path);
		close(fd);
		if (!done)
			continue;
		if (is)
			count_socket();
		return;
	}
	failure("hide", path, "another process replaces it all the time", EAGAIN);
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);
	return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* Names of sockets and directories that are still to be looked at, each with its type before it. */
static struct {
	char *names;
	size_t length, room;
} waiting;

/* A directory that is being read: whether nothing but sockets, with their locks and process ids, is in it so far. */
struct listing {
	int fd;
	bool only_sockets;
	size_t sockets;
};

static int type_of(int directory, const struct directory_entry *entry)
{
	struct stat st;
	if (entry->type != DT_UNKNOWN)
		return entry->type;
	return fstatat(directory, entry->name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 ? IFTODT(st.st_mode)
																							: DT_UNKNOWN;
}

static void keep_name(int type, const char *name)
{
	size_t length = strlen(name) + 1, needed = waiting.length + 1 + length;
	if (needed > waiting.room) {
		waiting.room = 2 * needed;
		waiting.names = realloc(waiting.names, waiting.room);
		if (!waiting.names)
			failure("allocate", NULL, NULL, ENOMEM);
	}
	waiting.names[waiting.length] = (char)type;
	memcpy(waiting.names + waiting.length + 1, name, length);
	waiting.length = needed;
}

static void list_entry(void *data, const struct directory_entry *entry)
{
	struct listing *listing = data;
	const char *name = entry->name;
	int type = type_of(listing->fd, entry);
	listing->sockets += type == DT_SOCK;
	if (type != DT_SOCK && (type != DT_REG || !(ends_with(name, ".lock") || ends_with(name, ".pid"))))
		listing->only_sockets = false;
	if (type == DT_SOCK || type == DT_DIR)
		keep_name(type, name);
}

/* Whether the directory is hidden with all that is and will be in it. DEPTH: below one of `trees`. */
static bool is_whole(int depth, const struct listing *listing)
{
	static const char users[] = "/run/user/";
	if (holds_allowed(walk_path))
		return false;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		if (strcmp(walk_path, whole[i]) == 0)
			return true;
	if (strncmp(walk_path, users, sizeof users - 1) == 0 && walk_path[sizeof users - 1] &&
		!strchr(walk_path + sizeof users - 1, '/'))
		return true;
	return depth > 0 && listing->sockets && listing->only_sockets;
}

static void cover_directory(int fd)
{
	if (cover_file(fd, walk_path))
		count_socket();
}

static void walk_sockets(int parent, const char *name, int depth, int depth_left);

/*
 * Looks through the directory FD, whose path is in `walk_path`. One that can't be listed stays as it is: the caller's
 * own may lie below it, and what is bound there stands in the list.
 */
static void walk_names(int fd, bool is_listed, int depth, int depth_left)
{
	size_t begin = waiting.length, path_length = strlen(walk_path);
	struct listing listing = {.fd = fd, .only_sockets = true};
	/* What was read before an error counts. */
	if (is_listed)
		(void)directory_read(fd, list_entry, &listing);
	if (is_whole(depth, &listing)) {
		cover_directory(fd);
		waiting.length = begin;
		return;
	}
	for (size_t at = begin, end = waiting.length; at < end;) {
		/* Valid until the walk goes below, which moves the names. */
		const char *name = waiting.names + at + 1;
		int type = (unsigned char)waiting.names[at];
		size_t length = strlen(name);
		at += length + 2;
		if ((type == DT_DIR && !depth_left) || path_length + 1 + length >= sizeof walk_path)
			continue;
		walk_path[path_length] = '/';
		memcpy(walk_path + path_length + 1, name, length + 1);
		if (type == DT_SOCK)
			hide_socket(walk_path);
		else
			walk_sockets(fd, name, depth + 1, depth_left - 1);
		walk_path[path_length] = '\0';
	}
	waiting.length = begin;
}

/* NAME, in PARENT, has the path in `walk_path`. */
static void walk_sockets(int parent, const char *name, int depth, int depth_left)
{
	if (directory_is_automount(parent, 0, name))
		return;
	int fd = directory_open(parent, name);
	bool is_listed = fd >= 0;
	if (fd < 0 && directory_is_scarcity(errno))
		failure("open", walk_path, NULL, errno);
	if (fd < 0 && errno == EACCES)
		fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!kernels_own(fd))
		walk_names(fd, is_listed, depth, depth_left);
	close(fd);
}

static void walk_trees(void)
{
	for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
		const char *start = trees[i].path;
		int depth = 0;
		if (!is_at_or_below(start, tree_path)) {
			if (!is_at_or_below(tree_path, start))
				continue;
			for (const char *c = tree_path + strlen(start); *c; c++)
				depth += *c == '/';
			start = tree_path;
		}
		size_t length = strlen(start);
		int fd = depth > trees[i].depth || length >= sizeof walk_path ? -1 : open_path(start);
		if (fd < 0)
			continue;
		memcpy(walk_path, start, length + 1);
		walk_sockets(fd, ".", depth, trees[i].depth - depth);
		close(fd);
	}
}

/*
 * Hides the directory of the socket PATH whole if nothing else is in it, for those that come up later; or else each
 * socket in it. Only where the path has a name that begins with a dot, as programs have for themselves: somebody may
 * work in any other directory that holds a socket alone.
 */
static void hide_directory_of(const char *path)
{
	static char last[PATH_MAX];
	size_t length = (size_t)(strrchr(path, '/') - path);
	if (!strstr(path, "/.") || length <= strlen(tree_path) || length >= sizeof last ||
		(strncmp(last, path, length) == 0 && !last[length]))
		return;
	memcpy(last, path, length);
	last[length] = '\0';
	int fd = open_path(last);
	if (fd < 0)
		return;
	snprintf(walk_path, sizeof walk_path, "%s", last);
	walk_sockets(fd, ".", 1, 0);
	close(fd);
}

/* A line has seven words before the path. */
static void hide_listed(char *line)
{
	enum { WORDS = 7 };
	for (int word = 0; word < WORDS; word++) {
		line += strspn(line, " ");
		line += strcspn(line, " ");
	}
	line += strspn(line, " ");
	line[strcspn(line, "\n")] = '\0';
	if (*line != '/')
		return;
	hide_directory_of(line);
	hide_socket(line);
}

void sockets_hide(int top, const char *from, int list, char *const *allowed)
{
	char *line = NULL;
	size_t room = 0;
	/* Each mount that hides sockets reads the same open file. */
	FILE *listed = lseek(list, 0, SEEK_SET) == 0 ? fdopen(list, "re") : NULL;
	tree_top = top;
	tree_path = from;
	allowed_paths = allowed;
	remember_allowed();
	directory_find_automounts();
	walk_trees();
	while (listed && getline(&line, &room, listed) > 0)
		hide_listed(line);
	if (!listed || ferror(listed))
		failure("read", "/proc/net/unix", NULL, errno);
	free(line);
	fclose(listed);
}
