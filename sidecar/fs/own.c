#include "fs/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "fs/clean_path.h"
#include "fs/inroot.h"
#include "fs/mounted.h"
#include "fs/own_ancestors.h"
#include "fs/pin.h"
#include "fs/rollback.h"
#include "fs/tree.h"

enum { MAX_TRIES = 1000, MAX_TRIES_TO_MAKE = 20 };

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

/*
 * Whether we own the last directory on PATH that exists, so that the box could give itself the right to write there.
 * The kernel has to say it: where the user is nobody, directories of users that aren't mapped show the same owner. Only
 * the owner may set a time to what it is.
 */
static bool owns_last(const char *path, size_t start, const struct mounted *on)
{
	char *part = strdup(path), link[DESCRIPTOR_NAME];
	struct stat st;
	int fd;
	if (!part)
		fail("allocate", NULL);
	while ((fd = find_shown(part, on)) < 0 && strlen(part) > start)
		*strrchr(part, '/') = '\0';
	free(part);
	bool owns = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == getuid() &&
				utimensat(AT_FDCWD, descriptor_name(fd, link), (struct timespec[]){st.st_atim, {.tv_nsec = UTIME_OMIT}},
					0) == 0;
	descriptor_close(fd);
	return owns;
}

/*
 * Whether we failed by NUMBER because the directory above can't be changed: then the box can't make anything there,
 * either.
 */
static bool is_beyond_box(const char *path, size_t start, const struct mounted *on, int number)
{
	return number == EPERM || number == EROFS || (number == EACCES && !owns_last(path, start, on));
}

/* Whether an error number says what is the matter now only, of space or of what is open. */
static bool may_pass(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EMLINK || number == ENOMEM || number == EMFILE ||
		   number == ENFILE;
}

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
		return is_beyond_box(path, start, on, errno);
	const char *name = strrchr(path, '/') + 1;
	bool usable;
	int fd = open_at(parent, name, &usable);
	for (int tries = 0;
		 (fd < 0 ? errno == ENOENT || errno == EEXIST : !usable) && tries < (fd < 0 ? MAX_TRIES_TO_MAKE : MAX_TRIES);
		 tries++) {
		descriptor_close(fd);
		clock_sleep(1000);
		fd = open_at(parent, name, &usable);
	}
	if (fd < 0)
		return is_beyond_box(path, start, on, errno);
	seal_own(fd, path);
	return true;
}

/* Opens the directory. Another box that has made it, or what leads to it, may be about to take it away. */
static int open_directories(char *path, size_t start, const struct mounted *on)
{
	int fd = make_directories(path, start, on);
	for (int tries = 0;
		 (fd >= 0 ? !rollback_use(fd) : errno == ENOENT) && tries < (fd >= 0 ? MAX_TRIES : MAX_TRIES_TO_MAKE);
		 tries++) {
		close(fd);
		clock_sleep(1000);
		fd = make_directories(path, start, on);
	}
	return fd;
}

/* The directory can't be there, as NUMBER says why. What has its place or leads there must stay. */
static void protect_absent(char *path, const char *target, const struct mounted *on, int number)
{
	size_t start = strlen(target);
	if (number == EXDEV) {
		pin_cover(path, start, on);
	} else if (number == ENOTDIR || number == ELOOP) {
		/* A link or a file has the name of a directory, and the box could put a directory in its place. */
		pin_apply_there(&(struct mount){.target = path, .from = target});
	} else if (may_pass(number) || (number == EACCES && owns_last(path, start, on))) {
		errno = number;
		fail_hint("make", path,
			number == EMFILE || number == ENFILE
				? NULL
				: "the box could make it later, and nsbox trusts what it finds there: make it first, or use --ro");
	}
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
	int fd = open_directories(path, start, on);
	/* EALREADY: another path led there. */
	if (fd < 0 && errno != EALREADY) {
		protect_absent(path, target, on, errno);
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
	for (const struct own_ancestor *ancestor = own_ancestors(); ancestor; ancestor = ancestor->next)
		if (ancestor->inode == top->st_ino && ancestor->device == top->st_dev && *ancestor->rest)
			protect(plan, target, ancestor->rest);
}

void own_protect(const struct plan *plan)
{
	bool plain = own_ancestors_are_plain();
	if (!own_ancestors() && !plain)
		return;
	rollback_set_flags(CHANNEL_MADE_OWN);
	for (size_t i = 0; i < plan->own_count && plain; i++)
		protect(plan, "", clean_path(plan->own[i]) + 1);
	if (plain)
		return;
	/* The inode comes from the host, since the box may show a view in its place. */
	if (plan->root->type == ROOT_DIRECTORY && !(plan->root->options & ROOT_OPTIONS_RO))
		protect_below(plan, own_ancestors_stat(plan->root->path), "");
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
