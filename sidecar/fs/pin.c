#include "fs/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "fs/clean_path.h"
#include "fs/inroot.h"
#include "fs/mounted.h"
#include "fs/rollback.h"
#include "fs/staging.h"
#include "fs/tree.h"

/*
 * A file on a path to pin. PINNED: it is done. For directories: the hidden mount of it, or -1; whether the box could
 * rename entries of it, as far as that is known.
 */
struct known {
	struct stat st;
	bool pinned, may_change;
	int tree;
	struct known *next;
};

/* The mount of the stash, its directory for pinned directories, and its file for pinned links. */
static int stash_mount = -1, stash = -1, blank = -1;
static struct known *known_files;

/* The path that is walked, for messages, and whether a directory on it is mounted on itself already. */
static const char *way;
static bool covered;

static struct known *know(const struct stat *st)
{
	struct known *known = known_files;
	while (known && !is_same_file(&known->st, st))
		known = known->next;
	if (known)
		return known;
	known = malloc(sizeof *known);
	if (!known)
		fail("allocate", NULL);
	*known = (struct known){.st = *st, .tree = -1, .next = known_files};
	return known_files = known;
}

static bool is_still(const struct known *known, int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && is_same_file(&st, &known->st);
}

/*
 * On the scratch tmpfs. Mode 0000, in case the mount that hides it is missing: without capabilities the box can't enter
 * it.
 */
void pin_stash(int target, const char *path)
{
	int scratch = staging_scratch();
	if (mkdirat(scratch, "hidden", 0) < 0 || mkdirat(scratch, "hidden/directory", 0) < 0)
		fail("make", path);
	int directory = openat(scratch, "hidden", O_PATH | O_CLOEXEC);
	stash_mount = directory < 0 ? -1 : tree_alone(directory);
	if (stash_mount < 0 || tree_attach(stash_mount, target) < 0)
		fail("mount", path);
	stash = openat(stash_mount, "directory", O_PATH | O_CLOEXEC);
	if (stash < 0)
		fail("open", path);
	close(directory);
}

/* For a link, on which no directory can be mounted. */
static int empty_file(void)
{
	if (blank < 0 &&
		(mknodat(stash_mount, "file", S_IFREG, 0) < 0 || (blank = openat(stash_mount, "file", O_PATH | O_CLOEXEC)) < 0))
		fail("pin", way);
	return blank;
}

static int attach_pin(int tree, int target)
{
	if (tree < 0 || tree_attach(tree, target) < 0)
		fail("pin", way);
	return tree;
}

/* The hidden mount of a directory, attached on top of those of other directories. */
static int hidden(struct known *parent, int fd)
{
	if (parent->tree >= 0)
		return parent->tree;
	int tree = tree_alone(fd);
	/* With mount(2), mounts that had to come along may have no path, so only the top one is restricted then. */
	bool sealed =
		tree >= 0 && (tree_restrict(tree, TREE_SEALED) == 0 || (tree_is_old() && tree_set_readonly(tree, true) == 0));
	return parent->tree = attach_pin(sealed ? tree : -1, stash);
}

/* Opens NAME in the hidden mount. -1 if NAME is a mount point already; fails if another file has taken its place. */
static int find_hidden(struct known *parent, int directory, const char *name, const struct known *part)
{
	int fd = openat(hidden(parent, directory), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && is_still(part, fd))
		return fd;
	descriptor_close(fd);
	fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("pin", way);
	if (!is_still(part, fd))
		fail_plain("was moved while the box was set up", way);
	close(fd);
	return -1;
}

/*
 * Whether the box could rename entries of PARENT; if not, they need no pin. An owner can give itself the right to
 * write, and root has it whatever ids its command gets later.
 */
static bool may_change(struct known *parent, int fd)
{
	/* The directory may be read-only through this mount, and writable through another one. */
	if (!parent->may_change)
		parent->may_change =
			syscall(SYS_faccessat, fd, ".", W_OK) == 0 || (errno != EROFS && parent->st.st_uid == getuid());
	return parent->may_change;
}

/* Where the walk is; a mount of the plan, where it starts. */
static int directory = -1;
static struct known *directory_known;

static struct known *know_directory(int fd)
{
	struct stat st;
	if (fd == directory)
		return directory_known;
	if (fstat(fd, &st) < 0)
		fail("pin", way);
	return know(&st);
}

/*
 * The hidden mount on a directory is one of that directory. Descriptors stay open until all are closed at once, which
 * is less work.
 */
static void pin_hidden(struct known *parent, int fd, const char *name, struct known *part)
{
	int target = find_hidden(parent, fd, name, part);
	bool link = S_ISLNK(part->st.st_mode);
	if (target < 0)
		return;
	int tree = attach_pin(tree_alone(link ? empty_file() : target), target);
	if (!link && part->tree < 0)
		part->tree = tree;
}

static void pin_part(int parent, const char *name, int fd, const struct stat *st)
{
	struct known *part = know(st), *above = parent < 0 ? NULL : know_directory(parent);
	directory = fd;
	directory_known = part;
	/* A mount of the plan is a mount point already. */
	if (!above || part->pinned || !may_change(above, parent))
		return;
	part->pinned = true;
	if (stash >= 0) {
		pin_hidden(above, parent, name, part);
	} else if (S_ISDIR(st->st_mode)) {
		/* Directories further down get mounts of their own, within the first one. */
		close(attach_pin(covered ? tree_alone(fd) : tree_of(tree_open_at(fd)), fd));
		covered = true;
	}
}

/* A directory that pin_enter has entered: ways to several directories begin with the same ones. */
struct entered {
	const struct mounted *on;
	const char *path;
	size_t length;
	int fd;
	struct known *known;
	struct entered *next;
};

static struct entered *all_entered;

static const struct entered *add_entered(const struct mounted *on, const char *path, size_t length, int fd)
{
	struct stat st;
	struct entered *entered = malloc(sizeof *entered);
	char *copy = strndup(path, length);
	if (!entered || !copy)
		fail("allocate", NULL);
	if (fstat(fd, &st) < 0)
		fail("pin", way);
	*entered = (struct entered){on, copy, length, fd, know(&st), all_entered};
	return all_entered = entered;
}

static const struct entered *find_entered(const struct mounted *on, const char *path, size_t length)
{
	const struct entered *entered = all_entered;
	while (entered && (entered->on != on || entered->length != length || memcmp(entered->path, path, length) != 0))
		entered = entered->next;
	return entered;
}

/*
 * Enters the directory NAME, the last component of the first LENGTH bytes of PATH, makes it if it is missing, and pins
 * it. NULL with errno.
 */
static const struct entered *enter_directory(
	const struct entered *above, const char *name, const char *path, size_t length)
{
	int fd = openat(above->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		bool may = may_change(above->known, above->fd);
		errno = EACCES;
		fd = may ? rollback_make_directory(above->fd, name, 0700) : -1;
	}
	if (fd < 0)
		return NULL;
	const struct entered *entered = add_entered(above->on, path, length, fd);
	if (!entered->known->pinned && may_change(above->known, above->fd)) {
		entered->known->pinned = true;
		pin_hidden(above->known, above->fd, name, entered->known);
	}
	return entered;
}

int pin_enter(const struct mounted *on, const char *path, size_t start)
{
	char name[NAME_MAX + 1];
	way = path;
	const struct entered *entered = find_entered(on, path, start);
	if (stash < 0 || on->length != start) {
		errno = ENOENT;
		return -1;
	}
	if (!entered)
		entered = add_entered(on, path, start, on->fd);
	for (size_t at = start, next; entered; at = next) {
		next = at + 1 + strcspn(path + at + 1, "/");
		if (!path[next])
			return entered->fd;
		const struct entered *known = find_entered(on, path, next);
		size_t length = next - at - 1;
		if (!known && length < sizeof name) {
			memcpy(name, path + at + 1, length);
			name[length] = '\0';
			known = enter_directory(entered, name, path, next);
		}
		entered = known;
	}
	return -1;
}

static int hold(const struct mount *mount)
{
	const char *top = clean_path(mount->from);
	size_t length = strlen(top), prefix;
	mounted_above(top, length, &prefix);
	int from = prefix == length ? -1 : inroot_find(top, O_DIRECTORY, NULL);
	if (from < 0 && prefix != length)
		fail("pin", mount->from);
	descriptor_close(from);
	way = mount->target;
	covered = false;
	directory = -1;
	return inroot_walk(mount->target, pin_part);
}

void pin_apply(const struct mount *mount)
{
	int last = hold(mount);
	if (last < 0)
		fail("pin", mount->target);
	close(last);
}

void pin_apply_there(const struct mount *mount) { descriptor_close(hold(mount)); }
