#include "fs/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/report.h"
#include "fs/inroot.h"
#include "fs/tree.h"

enum { SEALED = ROOT_OPTIONS_RO | ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV | ROOT_OPTIONS_NOEXEC };

/* A pinned file, or, with a TREE, a directory and the hidden mount of it. */
struct known { struct stat st; int tree; struct known *next; };

static int stash = -1, blank = -1;
static struct known *held, *parents;

/* The path that is walked, for messages, and whether a directory on it is mounted on itself already. */
static const char *way;
static bool covered;

static bool same(const struct stat *a, const struct stat *b) { return a->st_ino == b->st_ino && a->st_dev == b->st_dev; }

static const struct known *find_known(const struct known *list, const struct stat *st)
{
	while (list && !same(&list->st, st))
		list = list->next;
	return list;
}

static void remember(struct known **list, const struct stat *st, int tree)
{
	struct known *new = malloc(sizeof *new);
	if (!new)
		fail("allocate", NULL);
	*new = (struct known){*st, tree, *list};
	*list = new;
}

void pin_stash(const struct mount *mount)
{
	int target = inroot_make(mount->target, true, 0755);
	/* Mode 0000, in case the mount that hides it is missing: without capabilities the box can't enter it. */
	int tree = tree_new("tmpfs", ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV | ROOT_OPTIONS_NOEXEC, (struct setting[]){{"source", "nsbox"}, {"mode", "0000"}, {NULL, NULL}});
	if (tree < 0 || tree_attach(tree, target) < 0)
		fail_hint("mount tmpfs", mount->target, tree_hint());
	if (mkdirat(tree, "directory", 0) < 0 || mknodat(tree, "file", S_IFREG, 0) < 0)
		fail("make", mount->target);
	stash = openat(tree, "directory", O_PATH | O_CLOEXEC);
	blank = openat(tree, "file", O_PATH | O_CLOEXEC);
	if (stash < 0 || blank < 0)
		fail("open", mount->target);
	close(target);
	close(tree);
}

static void attach_pin(int tree, int target)
{
	if (tree < 0 || tree_attach(tree, target) < 0)
		fail("pin", way);
	close(tree);
}

/* The hidden mount of a directory. */
static int hidden(int parent)
{
	struct stat st;
	if (fstat(parent, &st) < 0)
		fail("pin", way);
	const struct known *known = find_known(parents, &st);
	if (known)
		return known->tree;
	int tree = tree_alone(parent);
	/* With mount(2), mounts that had to come along may have no path, so only the top one is restricted then. */
	bool sealed = tree >= 0 && (tree_restrict(tree, SEALED) == 0 || (tree_is_old() && tree_set_readonly(tree, true) == 0));
	/* Attached on top of the hidden mounts of other directories. */
	if (!sealed || tree_attach(tree, stash) < 0)
		fail("pin", way);
	remember(&parents, &st, tree);
	return tree;
}

/* Opens NAME in the hidden mount. -1 if NAME is a mount point already; fails if another file has taken its place. */
static int find_hidden(int parent, const char *name, const struct stat *st)
{
	struct stat now;
	int fd = openat(hidden(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &now) == 0 && same(&now, st))
		return fd;
	close(fd);
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &now) < 0)
		fail("pin", way);
	if (!same(&now, st))
		fail_plain("was moved while the box was set up", way);
	close(fd);
	return -1;
}

/*
 * Whether the box could rename entries of PARENT; if not, they need no pin. An owner can give itself the right to
 * write, and root has it whatever ids its command gets later.
 */
static bool may_change(int parent)
{
	struct stat st;
	if (faccessat(parent, ".", W_OK, 0) == 0)
		return true;
	return errno != EROFS && fstat(parent, &st) == 0 && st.st_uid == getuid();
}

static void hold_part(int parent, const char *name, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		fail("pin", way);
	/* A mount of the plan is a mount point already. */
	if (parent < 0 || find_known(held, &st) || !may_change(parent))
		return;
	remember(&held, &st, -1);
	if (stash >= 0) {
		int target = find_hidden(parent, name, &st);
		if (target >= 0)
			attach_pin(tree_alone(S_ISLNK(st.st_mode) ? blank : target), target);
		close(target);
	} else if (S_ISDIR(st.st_mode)) {
		/* Directories further down get mounts of their own, within the first one. */
		attach_pin(covered ? tree_alone(fd) : tree_of(tree_hold_at(fd)), fd);
		covered = true;
	}
}

void pin_hold(const struct mount *mount)
{
	int from = inroot_find(inroot_clean(mount->from), O_DIRECTORY, NULL);
	if (from < 0)
		fail("pin", mount->from);
	close(from);
	way = mount->target;
	covered = false;
	int last = inroot_walk(mount->target, hold_part);
	if (last < 0)
		fail("pin", mount->target);
	close(last);
}
