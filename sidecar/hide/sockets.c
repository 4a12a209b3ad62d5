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
#include "hide/failure.h"
#include "hide/kernels.h"

enum { MOST = 20000, MAX_TRIES = 16, MOST_OF_DIRECTORY = 4096 };

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

static int type_of(int directory, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	return fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 ? IFTODT(st.st_mode)
																							  : DT_UNKNOWN;
}

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* Whether nothing but sockets, with their locks and process ids, is in the directory, and one at least. */
static bool has_only_sockets(DIR *entries)
{
	struct dirent *entry;
	int sockets = 0, count = 0;
	bool only = true;
	rewinddir(entries);
	while (only && (entry = readdir(entries)) && count++ < MOST_OF_DIRECTORY) {
		const char *name = entry->d_name;
		int type = type_of(dirfd(entries), entry);
		sockets += type == DT_SOCK;
		only = is_dots(name) || type == DT_SOCK ||
			   (type == DT_REG && (ends_with(name, ".lock") || ends_with(name, ".pid")));
	}
	rewinddir(entries);
	return only && sockets > 0;
}

/* Whether the directory is hidden with all that is and will be in it. DEPTH: below one of `trees`. ENTRIES may be NULL.
 */
static bool is_whole(const char *path, int depth, DIR *entries)
{
	static const char users[] = "/run/user/";
	if (holds_allowed(path))
		return false;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		if (strcmp(path, whole[i]) == 0)
			return true;
	if (strncmp(path, users, sizeof users - 1) == 0 && path[sizeof users - 1] && !strchr(path + sizeof users - 1, '/'))
		return true;
	return depth > 0 && entries && has_only_sockets(entries);
}

static bool join(char path[PATH_MAX], const char *directory, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

static void cover_directory(int fd, const char *path)
{
	if (cover_file(fd, path))
		count_socket();
}

/*
 * FD becomes the walk's. A directory that can't be listed stays as it is: the caller's own may lie below it, and what
 * is bound there stands in the list.
 */
static void walk_sockets(int fd, const char *path, int depth, int depth_left)
{
	char below[PATH_MAX];
	int reading = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	DIR *entries = reading < 0 ? NULL : fdopendir(reading);
	if (is_whole(path, depth, entries)) {
		cover_directory(fd, path);
	} else if (entries) {
		for (struct dirent *entry; (entry = readdir(entries));) {
			int type = is_dots(entry->d_name) ? DT_UNKNOWN : type_of(dirfd(entries), entry);
			if ((type != DT_SOCK && type != DT_DIR) || !join(below, path, entry->d_name))
				continue;
			if (type == DT_SOCK)
				hide_socket(below);
			else if (depth_left > 0) {
				int directory = openat(fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
				struct stat st;
				if (directory >= 0 && fstat(directory, &st) == 0 && S_ISDIR(st.st_mode) && !kernels_own(directory))
					walk_sockets(directory, below, depth + 1, depth_left - 1);
				else
					close(directory);
			}
		}
	}
	if (entries)
		closedir(entries);
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
		int fd = depth > trees[i].depth ? -1 : open_path(start);
		struct stat st;
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			walk_sockets(fd, start, depth, trees[i].depth - depth);
		else
			close(fd);
	}
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
	if (*line == '/')
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
	walk_trees();
	while (listed && getline(&line, &room, listed) > 0)
		hide_listed(line);
	if (!listed || ferror(listed))
		failure("read", "/proc/net/unix", NULL, errno);
	free(line);
	fclose(listed);
}
