#include "unpack/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/component.h"
#include "base/sys.h"
#include "unpack/attributes.h"
#include "unpack/directories.h"
#include "unpack/event.h"

enum { MAX_LAYERS = 512, MAX_LINKS = 40, MAX_STEPS_UP = 256 };

static int layers[MAX_LAYERS], count;
static bool any_opaque;

void layers_open(const char *upper_path, const char *lower_path)
{
	char path[PATH_MAX];
	for (; count < (lower_path ? MAX_LAYERS : 1); count++) {
		if (count == UPPER)
			snprintf(path, sizeof path, "%s", upper_path);
		else if (lower_path)
			snprintf(path, sizeof path, "%s/%d", lower_path, count - 1);
		layers[count] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (layers[count] < 0 && errno == ENOENT && count != UPPER)
			return;
		if (layers[count] < 0)
			event_fail("open the layer", path, errno);
	}
	if (lower_path)
		event_failf(NULL, "more than %d layers", MAX_LAYERS - 1);
}

int layers_count(void) { return count; }

bool layers_is_whiteout(const struct stat *st) { return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0); }

/* Does what openat2 does with RESOLVE_NO_SYMLINKS, on kernels before 5.6. */
static int directory_by_steps(int root, const char *path)
{
	char name[NAME_MAX + 1];
	int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && *path) {
		size_t length = strcspn(path, "/");
		if (length > NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		path += length + (path[length] == '/');
		int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), number = errno;
		close(fd);
		errno = number;
		fd = next;
	}
	return fd;
}

int layers_directory(int layer, const char *path)
{
	static bool by_steps;
	struct sys_open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_DOWN | RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC,
	};
	int fd = by_steps ? -1 : sys_openat2(layers[layer], *path ? path : ".", &how);
	if (fd >= 0 || (!by_steps && !sys_is_refused(errno) && errno != EAGAIN))
		return fd;
	by_steps = by_steps || errno != EAGAIN;
	return directory_by_steps(layers[layer], path);
}

void layers_make_whiteout(int parent, const char *name, const char *entry)
{
	if (mknodat(parent, name, S_IFCHR, makedev(0, 0)) < 0)
		event_fail("make a whiteout", entry, errno);
}

void layers_make_opaque(int parent, const char *name, const char *entry)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
		fchmodat(parent, name, (st.st_mode & 07777) | MODE_OPAQUE, 0) < 0)
		event_fail("make a directory opaque", entry, errno);
	any_opaque = true;
}

/* Looks NAME up in the directory FOUND->path, which the layers up to LAST have. */
static bool look_up(struct layers_found *found, int last, const char *name)
{
	found->type = LAYERS_NOTHING;
	for (int i = UPPER; i <= last; i++) {
		struct stat st;
		int dir = layers_directory(i, found->path);
		if (dir < 0 && errno == ENOENT)
			continue;
		if (dir < 0)
			return false;
		bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0, directory = there && S_ISDIR(st.st_mode);
		int number = there ? 0 : errno;
		bool opaque = directory && i == UPPER && (st.st_mode & MODE_OPAQUE);
		close(dir);
		if (number && number != ENOENT) {
			errno = number;
			return false;
		}
		if (!there)
			continue;
		if (found->type == LAYERS_NOTHING && !layers_is_whiteout(&st)) {
			found->type = directory ? LAYERS_DIRECTORY : S_ISLNK(st.st_mode) ? LAYERS_LINK : LAYERS_FILE;
			found->layer = i;
			found->st = st;
		}
		if (!directory)
			break;
		found->last = i;
		if (opaque)
			break;
	}
	return true;
}

/* The directory that a walk is in, FOUND->path, and the text that is left to be walked. */
struct walk {
	struct layers_found *found;
	int last; /* the lowest layer that adds to the directory */
	int links, steps_up;
	char rest[2 * PATH_MAX];
};

static bool refuse(int number)
{
	errno = number;
	return false;
}

/* Puts TEXT and a slash before the text that is left. */
static bool insert(struct walk *w, const char *text, size_t length)
{
	size_t rest = strlen(w->rest);
	if (length + 1 + rest >= sizeof w->rest)
		return refuse(ENAMETOOLONG);
	memmove(w->rest + length + 1, w->rest, rest + 1);
	memcpy(w->rest, text, length);
	w->rest[length] = '/';
	return true;
}

static void go_to_root(struct walk *w)
{
	struct stat st;
	bool opaque = any_opaque && fstat(layers[UPPER], &st) == 0 && (st.st_mode & MODE_OPAQUE);
	w->found->path[0] = '\0';
	w->last = opaque ? UPPER : count - 1;
}

static bool follow_link(struct walk *w, const char *name)
{
	char to[PATH_MAX];
	int dir = layers_directory(w->found->layer, w->found->path);
	ssize_t length = dir < 0 ? -1 : readlinkat(dir, name, to, sizeof to);
	int number = errno;
	if (dir >= 0)
		close(dir);
	if (length < 0)
		return refuse(number);
	if (++w->links > MAX_LINKS)
		return refuse(ELOOP);
	if (length > 0 && to[0] == '/')
		go_to_root(w);
	return insert(w, to, (size_t)length);
}

/* The directory above may be one of other layers, too, so its path is walked again from the root. */
static bool go_up(struct walk *w)
{
	char above[PATH_MAX];
	const char *slash = strrchr(w->found->path, '/');
	size_t length = slash ? (size_t)(slash - w->found->path) : 0;
	if (++w->steps_up > MAX_STEPS_UP)
		return refuse(ELOOP);
	memcpy(above, w->found->path, length);
	go_to_root(w);
	return insert(w, above, length);
}

/* Gives the directory NAME in DIR what the directory PATH of a lower layer has. */
static void copy_metadata(const struct layers_found *found, int dir, const char *name, const char *path)
{
	int from = layers_directory(found->layer, path);
	int readable = from < 0 ? -1 : openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int to = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (readable < 0 || to < 0)
		event_fail("copy the directory of a lower layer", path, errno);
	if ((found->st.st_uid || found->st.st_gid) && fchown(to, found->st.st_uid, found->st.st_gid) < 0)
		event_fail("set the owner", path, errno);
	attributes_copy(readable, to, path);
	close(from);
	close(readable);
	close(to);
}

/* A directory that no archive speaks of has the same time on every machine. */
static const struct timespec no_time;

/* Makes the directory NAME in UPPER: as a copy of what was found in a lower layer, or a new one. */
static bool make_directory(struct layers_found *found, const char *name, const char *path)
{
	const mode_t mode = MODE_DIRECTORY | MODE_IMPLIED;
	bool covers = false;
	int dir = layers_directory(UPPER, found->path);
	if (dir < 0)
		return false;
	int made = mkdirat(dir, name, mode);
	if (made < 0 && errno == EEXIST && found->type == LAYERS_NOTHING) {
		/* A whiteout: what it hides stays hidden. */
		covers = true;
		made = unlinkat(dir, name, 0) < 0 ? -1 : mkdirat(dir, name, mode);
	}
	if (made == 0 && covers)
		layers_make_opaque(dir, name, path);
	if (made == 0 && found->type == LAYERS_DIRECTORY)
		copy_metadata(found, dir, name, path);
	int number = errno;
	close(dir);
	if (made < 0)
		return refuse(number);
	if (found->type == LAYERS_DIRECTORY)
		directories_note(path, found->st.st_mode, &found->st.st_atim, &found->st.st_mtim);
	else
		directories_note(path, 0755, &no_time, &no_time);
	return true;
}

void layers_make_root(void)
{
	struct layers_found found = {.type = LAYERS_DIRECTORY, .layer = UPPER + 1};
	if (count == 1) {
		directories_note("", 0755, &no_time, &no_time);
		return;
	}
	if (fstat(layers[found.layer], &found.st) < 0)
		event_fail("open the layer", "/", errno);
	copy_metadata(&found, layers[UPPER], ".", "");
	directories_note("", found.st.st_mode, &found.st.st_atim, &found.st.st_mtim);
}

/* FOLLOW: follows links in the middle. MAKE: follows one at the end, too, and makes directories that UPPER lacks. */
static bool walk(const char *path, bool follow, bool make, struct layers_found *found)
{
	struct walk w = {.found = found};
	char name[NAME_MAX + 1];
	int taken;
	snprintf(w.rest, sizeof w.rest, "%s", path);
	go_to_root(&w);
	*found = (struct layers_found){.type = LAYERS_DIRECTORY, .last = count - 1};
	while ((taken = component_take(w.rest, name)) > 0) {
		bool last = !w.rest[strspn(w.rest, "/")];
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			if (!go_up(&w))
				return false;
			continue;
		}
		if (!look_up(found, w.last, name))
			return false;
		if (found->type == LAYERS_LINK && (make || !last)) {
			if (!follow)
				return refuse(ELOOP);
			if (!follow_link(&w, name))
				return false;
			continue;
		}
		if (found->type == LAYERS_NOTHING && !last && !make)
			return refuse(ENOENT);
		if (found->type == LAYERS_FILE && (make || !last))
			return refuse(ENOTDIR);
		char full[PATH_MAX];
		int length = snprintf(full, sizeof full, "%s%s%s", found->path, *found->path ? "/" : "", name);
		if (length >= (int)sizeof full)
			return refuse(ENAMETOOLONG);
		if (make && (found->type == LAYERS_NOTHING || found->layer != UPPER) && !make_directory(found, name, full))
			return false;
		w.last = found->type == LAYERS_DIRECTORY ? found->last : UPPER;
		memcpy(found->path, full, (size_t)length + 1);
	}
	if (taken == 0 && !*found->path) {
		found->type = LAYERS_DIRECTORY;
		found->layer = UPPER;
		found->last = w.last;
	}
	return taken == 0;
}

bool layers_find(const char *path, bool follow, struct layers_found *found) { return walk(path, follow, false, found); }

static struct layers_parent parent = {.fd = -1};
static char parent_asked[PATH_MAX]; /* the path that PARENT was found by */
static bool parent_is_known;

void layers_forget(void) { parent_is_known = false; }

const struct layers_parent *layers_parent(const char *path)
{
	static struct layers_found found;
	if (parent_is_known && strcmp(path, parent_asked) == 0)
		return &parent;
	if (parent.fd >= 0)
		close(parent.fd);
	snprintf(parent_asked, sizeof parent_asked, "%s", path);
	snprintf(parent.path, sizeof parent.path, "%s", path);
	/* UPPER mostly has the directory, without a link on the way: then no other layer matters. */
	parent.fd = layers_directory(UPPER, path);
	if (parent.fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) && walk(path, true, true, &found)) {
		memcpy(parent.path, found.path, sizeof parent.path);
		parent.fd = layers_directory(UPPER, found.path);
	}
	parent_is_known = parent.fd >= 0;
	return parent_is_known ? &parent : NULL;
}

/* Adds the names of a lower layer's directory PATH that UPPER, where it is FD, doesn't have. */
static void cover(int fd, int layer, const char *path)
{
	int dir = layers_directory(layer, path);
	int readable = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = readable < 0 ? NULL : fdopendir(readable);
	struct dirent *entry;
	if (!names && (dir >= 0 || (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)))
		event_fail("read the directory of a lower layer", path, errno);
	while (names && (entry = readdir(names))) {
		struct stat st;
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			layers_make_whiteout(fd, name, path);
		else if (S_ISDIR(st.st_mode))
			layers_make_opaque(fd, name, path);
	}
	if (names)
		closedir(names);
	if (dir >= 0)
		close(dir);
}

/* Resolves the directory PATH of UPPER, then those below it, which cover() may have made opaque. */
static void resolve_below(const char *path)
{
	char below[PATH_MAX];
	struct stat st;
	int fd = layers_directory(UPPER, path);
	int readable = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (readable < 0 || fstat(readable, &st) < 0)
		event_fail("read a directory", path, errno);
	for (int i = UPPER + 1; i < count && (st.st_mode & MODE_OPAQUE); i++)
		cover(fd, i, path);
	DIR *names = fdopendir(readable);
	struct dirent *entry;
	if (!names)
		event_fail("read a directory", path, errno);
	while ((entry = readdir(names))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
			continue;
		snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", entry->d_name);
		resolve_below(below);
	}
	closedir(names);
	close(fd);
}

void layers_resolve_opaque(void)
{
	if (any_opaque)
		resolve_below("");
}
