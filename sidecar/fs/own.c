#include "fs/own.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/channel.h"
#include "fs/rollback.h"
#include "fs/mounted.h"
#include "fs/pin.h"
#include "base/report.h"
#include "base/sys.h"
#include "plan/plan.h"
#include "fs/clean_path.h"
#include "fs/inroot.h"
#include "fs/tree.h"

/*
 * A directory that is one of them or leads to one. Its inode identifies it, since mounts and links give it other names.
 * REST is the rest of the path from there on.
 */
struct above {
	dev_t device;
	ino_t inode;
	char *rest;
	struct above *next;
};

enum { MAX_TRIES = 1000, MAX_TRIES_TO_MAKE = 20, MAX_LINKS = 40 };

static struct above *aboves;
static bool shows;
/* The box may write only where its root shows the host's own, so each directory has one path, that of the host. */
static bool plain;

/* A cache of stat: most of the directories share the beginning of their paths. LINK: the path itself is one. */
struct known {
	char *path;
	struct stat st;
	bool there, link;
	struct known *next;
};

static struct known *known;

static const struct known *look_at(const char *path)
{
	for (struct known *entry = known; entry; entry = entry->next)
		if (strcmp(entry->path, path) == 0)
			return entry;
	struct known *entry = malloc(sizeof *entry);
	char *copy = strdup(path);
	if (!entry || !copy)
		fail("allocate", NULL);
	entry->path = copy;
	entry->there = lstat(path, &entry->st) == 0;
	entry->link = entry->there && S_ISLNK(entry->st.st_mode);
	if (entry->link)
		entry->there = stat(path, &entry->st) == 0;
	entry->there = entry->there && S_ISDIR(entry->st.st_mode);
	entry->next = known;
	known = entry;
	return entry;
}

static void look(const char *directory, int links);

static bool is_known(const struct stat *st, const char *rest)
{
	for (const struct above *above = aboves; above; above = above->next)
		if (above->inode == st->st_ino && above->device == st->st_dev && strcmp(above->rest, rest) == 0)
			return true;
	return false;
}

static void add(const struct stat *st, const char *rest, const char *missing)
{
	struct above *above = malloc(sizeof *above);
	if (!above || asprintf(&above->rest, "%s%s%s", rest, *rest && *missing ? "/" : "", missing) < 0)
		fail("allocate", NULL);
	if (is_known(st, above->rest)) {
		free(above->rest);
		free(above);
		return;
	}
	above->device = st->st_dev;
	above->inode = st->st_ino;
	above->next = aboves;
	aboves = above;
}

/* Adds all existing directories on PATH, from "/" on. Returns the length of the part that exists; *LINK becomes true
 * for a link in it. */
static size_t add_ways(char *path, const char *missing, bool *link)
{
	size_t length = strlen(path), end = 0;
	for (size_t next = 0; next <= length; next++) {
		if (path[next] != '/' && path[next] != '\0')
			continue;
		char kept = path[next];
		path[next] = '\0';
		const struct known *part = look_at(next ? path : "/");
		path[next] = kept;
		*link |= part->link;
		if (!part->there)
			break;
		add(&part->st, path + next + (kept == '/'), missing);
		end = next;
	}
	return end;
}

/* A link that leads nowhere: the box could make the directory that it names. PATH, as far as it exists, is REAL. */
static void look_beyond(const char *path, size_t there, const char *real, int links)
{
	char to[PATH_MAX], *whole;
	size_t length = there + 1 + strcspn(path + there + 1, "/");
	char *link = strndup(path, length);
	ssize_t got = link ? readlink(link, to, sizeof to - 1) : -1;
	free(link);
	if (got < 0 || links > MAX_LINKS)
		return;
	to[got] = '\0';
	if (asprintf(&whole, "%s/%s%s", to[0] == '/' ? "" : real, to, path + length) < 0)
		fail("allocate", NULL);
	look(clean_path(whole), links + 1);
	free(whole);
}

/* Never inlined: its large frame would cost every start two pages. */
__attribute__((noinline)) static void look(const char *directory, int links)
{
	char path[PATH_MAX], real[PATH_MAX];
	size_t length = strlen(directory);
	if (length >= sizeof path)
		return;
	memcpy(path, directory, length + 1);
	bool link = strcmp(clean_path(directory), directory) != 0;
	size_t there = add_ways(path, "", &link);
	/*
	 * If the path leads through a link, the directories on the real path count, too. They come first in the list, so
	 * that what a link leads to is there before the link is pinned.
	 */
	if (!link)
		return;
	bool ends = !path[there];
	path[there] = '\0';
	int fd = open(there ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool found = fd >= 0 && descriptor_path(fd, real);
	descriptor_close(fd);
	if (found && there && strcmp(real, path) != 0)
		add_ways(real, directory + there + (directory[there] == '/'), &link);
	if (found && !ends)
		look_beyond(directory, there, there ? real : "", links);
}

static bool leads_there(const char *path)
{
	const struct known *source = look_at(path);
	for (const struct above *above = aboves; source->there && above; above = above->next)
		if (above->inode == source->st.st_ino && above->device == source->st.st_dev && *above->rest)
			return true;
	return false;
}

/* Whether no link is on the path, as far as it exists. */
static bool is_direct(const char *path)
{
	struct sys_open_how how = {
		.flags = (uint64_t)(O_PATH | O_DIRECTORY | O_CLOEXEC), .resolve = RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC};
	/* It stays open until all descriptors are closed at once. */
	return !strstr(path, "/..") && (sys_openat2(AT_FDCWD, path, &how) >= 0 || errno == ENOENT);
}

/*
 * Whether the paths of the host say all: then the search by inode, which takes two calls for each part of a path, would
 * find the same. A link would give a directory a second path in the box, which may show when the first is covered.
 */
static bool is_plain(const struct plan *plan)
{
	if (!plan_shows_host(plan->root) || (plan->root->options & ROOT_OPTIONS_RO))
		return false;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		const struct mount *mount = &plan->mounts[i];
		if (mount->type == MOUNT_BIND && !(mount->options & ROOT_OPTIONS_RO))
			return false;
	}
	for (size_t i = 0; i < plan->own_count; i++)
		if (!is_direct(plan->own[i]))
			return false;
	return true;
}

void own_look(const struct plan *plan)
{
	if (!plan->own_count)
		return;
	plain = is_plain(plan);
	shows = plain;
	for (size_t i = 0; i < plan->own_count && !plain; i++)
		look(plan->own[i], 0);
	if (!aboves)
		return;
	shows = plan->root->type == ROOT_DIRECTORY && leads_there(plan->root->path);
	for (size_t i = 0; i < plan->mounts_count && !shows; i++)
		shows = plan->mounts[i].type == MOUNT_BIND && !(plan->mounts[i].options & ROOT_OPTIONS_RO) &&
				leads_there(plan->mounts[i].source);
}

bool own_shows(void) { return shows; }

/* Whether the caller binds that very directory. Then it stays as the caller wants it. */
static bool is_bound(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->mounts_count; i++)
		if (plan->mounts[i].type == MOUNT_BIND && strcmp(clean_path(plan->mounts[i].target), path) == 0)
			return true;
	return false;
}

/* Opens the directory PATH, but only where the mount ON itself shows it. EXDEV: another mount does; EALREADY: it is
 * protected. */
static int find_shown(const char *path, const struct mounted *on)
{
	struct mounted *shown = NULL;
	int fd = inroot_find(path, O_DIRECTORY, &shown);
	if (fd < 0 || shown == on)
		return fd;
	close(fd);
	errno = shown->own ? EALREADY : EXDEV;
	return -1;
}

static int make_part(char *path, char *name, const struct mounted *on)
{
	*name = '\0';
	int parent = find_shown(path, on);
	*name = '/';
	if (parent < 0)
		return -1;
	rollback_begin();
	int done = mkdirat(parent, name + 1, 0700), number = errno;
	if (done == 0)
		rollback_remember(parent, name + 1, true);
	else
		rollback_done();
	/* It is a dangling link, or another process made it first. */
	struct stat st;
	if (number == EEXIST)
		number = fstatat(parent, name + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ? ENOTDIR : 0;
	close(parent);
	errno = number;
	return done;
}

/* Opens the directory PATH, and makes what is missing of it below the first START bytes. -1: we can't, so the box can't
 * either. */
static int make_directories(char *path, size_t start, const struct mounted *on)
{
	int fd = find_shown(path, on);
	for (char *end = path + start; fd < 0 && errno == ENOENT && *end;) {
		end += 1 + strcspn(end + 1, "/");
		char kept = *end;
		*end = '\0';
		fd = find_shown(path, on);
		if (fd < 0 && errno == ENOENT && (make_part(path, strrchr(path, '/'), on) == 0 || errno == 0))
			fd = find_shown(path, on);
		*end = kept;
		if (fd >= 0 && kept) {
			close(fd);
			fd = -1;
			errno = ENOENT;
		} else if (fd < 0) {
			break;
		}
	}
	return fd;
}

/*
 * Only the top mount becomes read-only: the caller asked for the mounts below by name. The descriptor stays open until
 * all are closed at once.
 */
static void seal_own(int fd, const char *path)
{
	int tree = tree_of(tree_open_at(fd));
	if (tree < 0 || tree_set_readonly(tree, true) < 0 || tree_attach(tree, fd) < 0)
		fail("protect", path);
	mounted_add(path, tree)->own = true;
}

/*
 * Something of the box's own hides the directory, at the first part of PATH that ON doesn't show. Who could move what
 * leads to that part could make another directory.
 */
static void pin_cover(char *path, size_t start, const struct mounted *on)
{
	size_t prefix, length = start;
	int fd = 0;
	for (char *end = path + start; fd >= 0 && *end;) {
		size_t above = length;
		length += 1 + strcspn(end + 1, "/");
		end = path + length;
		char kept = *end;
		*end = '\0';
		fd = find_shown(path, on);
		if (fd >= 0) {
			close(fd);
		} else if (errno == EXDEV) {
			/* A link that leads to the mount is held as well. */
			mounted_above(path, length, &prefix);
			path[prefix == length ? above : length] = '\0';
			if (strlen(path) > start)
				pin_apply(&(struct mount){.target = path, .from = on->path});
		}
		*end = kept;
	}
}

/* Whether a link has the name of the directory: the box could put another directory in its place. */
static bool is_link(const char *path)
{
	struct stat st;
	int fd = inroot_find(path, O_NOFOLLOW, NULL);
	bool link = fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
	descriptor_close(fd);
	return link;
}

/* Opens the directory, and makes it if it is missing. USABLE: no other box is taking it away. */
static int open_at(int parent, const char *name, bool *usable)
{
	const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, O_RDONLY | flags);
	*usable = fd < 0 || rollback_use_opened(fd);
	/* A directory that we can't read belongs to another user, who must take care of it. */
	if (fd < 0 && errno == EACCES)
		return openat(parent, name, O_PATH | flags);
	return fd < 0 && errno == ENOENT ? rollback_make_directory(parent, name, 0700) : fd;
}

/* Whether we failed because the directory above can't be changed: then the box can't make anything there, either. */
static bool is_beyond_box(int number) { return number == EACCES || number == EPERM || number == EROFS; }

/*
 * Protects the directory by one walk, if nothing but directories of the mount ON leads to it. False: a link or a
 * mount is on the path.
 */
static bool protect_directly(const char *path, size_t start, const struct mounted *on)
{
	size_t prefix;
	if (mounted_above(path, strlen(path), &prefix) != on)
		return false;
	int parent = pin_enter(on, path, start);
	if (parent < 0)
		return is_beyond_box(errno);
	const char *name = strrchr(path, '/') + 1;
	bool usable;
	int fd = open_at(parent, name, &usable);
	for (int tries = 0;
		 (fd < 0 ? errno == ENOENT || errno == EEXIST : !usable) && tries < (fd < 0 ? MAX_TRIES_TO_MAKE : MAX_TRIES);
		 tries++) {
		descriptor_close(fd);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		fd = open_at(parent, name, &usable);
	}
	if (fd < 0)
		return is_beyond_box(errno);
	seal_own(fd, path);
	return true;
}

static void protect(const struct plan *plan, const char *target, const char *rest)
{
	char *path, *parent;
	if (asprintf(&path, "%s/%s", target, rest) < 0)
		fail("allocate", NULL);
	if (is_bound(plan, path)) {
		free(path);
		return;
	}
	size_t start = strlen(target), prefix;
	const struct mounted *on = mounted_above(target, start, &prefix);
	if (protect_directly(path, start, on))
		return;
	int fd = make_directories(path, start, on);
	/* Another box that has made it, or what leads to it, may be about to take it away. */
	for (int tries = 0;
		 (fd >= 0 ? !rollback_use(fd) : errno == ENOENT) && tries < (fd >= 0 ? MAX_TRIES : MAX_TRIES_TO_MAKE);
		 tries++) {
		close(fd);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		fd = make_directories(path, start, on);
	}
	/* Another path led there. */
	bool protected = fd < 0 && errno == EALREADY;
	if (fd < 0 && errno == EXDEV)
		pin_cover(path, start, on);
	/* A link or a file has the name of a directory, and the box could put a directory in its place. */
	else if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		pin_apply_there(&(struct mount){.target = path, .from = target});
	if (fd < 0 && !protected) {
		free(path);
		return;
	}
	/* Before the directory is sealed: the walk would take the seal for what has that name. */
	bool link = is_link(path);
	if (link)
		pin_apply(&(struct mount){.target = path, .from = target});
	if (fd >= 0)
		seal_own(fd, path);
	parent = strndup(path, (size_t)(strrchr(path, '/') - path));
	if (!parent)
		fail("allocate", NULL);
	if (!link && strcmp(parent, target) != 0)
		pin_apply(&(struct mount){.target = parent, .from = target});
	free(parent);
}

static void protect_below(const struct plan *plan, const struct stat *top, const char *target)
{
	for (const struct above *above = aboves; above; above = above->next)
		if (above->inode == top->st_ino && above->device == top->st_dev && *above->rest)
			protect(plan, target, above->rest);
}

void own_protect(const struct plan *plan)
{
	if (!aboves && !plain)
		return;
	rollback_set_flags(CHANNEL_MADE_OWN);
	for (size_t i = 0; i < plan->own_count && plain; i++)
		protect(plan, "", clean_path(plan->own[i]) + 1);
	if (plain)
		return;
	/* The inode comes from the host, since the box may show a view in its place. */
	if (plan->root->type == ROOT_DIRECTORY && !(plan->root->options & ROOT_OPTIONS_RO))
		protect_below(plan, &look_at(plan->root->path)->st, "");
	for (size_t i = 0; i < plan->mounts_count; i++) {
		const struct mount *mount = &plan->mounts[i];
		if (mount->type != MOUNT_BIND || (mount->options & ROOT_OPTIONS_RO))
			continue;
		const char *target = clean_path(mount->target);
		struct stat st;
		int top = inroot_find(target, O_DIRECTORY, NULL);
		if (top >= 0 && fstat(top, &st) == 0)
			protect_below(plan, &st, target);
		close(top);
	}
}
