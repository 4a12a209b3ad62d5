#include "fs/take_back.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/host.h"
#include "fs/scratch.h"
#include "fs/use_lock.h"

/* LOCK, or -1, is on the file that is removed (use_lock.h). */
struct entry {
	int parent, lock, how;
	struct channel_made made;
	struct entry *next;
};

static struct entry *received, **end = &received;
static int userns = -1;
static int root_lock = -1; /* of a root that keeps its mount points */

/*
 * Other boxes have the lock shared as long as they run, or exclusively for the moment in which they remove something.
 */
static bool try_root_lock(int how)
{
	for (int tries = 0; tries < 10; tries++) {
		if (flock(root_lock, how | LOCK_NB) == 0)
			return true;
		clock_sleep(5000);
	}
	return false;
}

void take_back_lock_root(const struct plan *plan)
{
	if (plan->root->type != ROOT_DIRECTORY || !plan->mounts_count || plan->take_back)
		return;
	root_lock = host_open(plan->root->path, O_RDONLY | O_DIRECTORY);
	/* A directory that we can't read has no lock of ours: other boxes can't see us then, and may remove what we use. */
	if (root_lock >= 0 && !try_root_lock(LOCK_SH)) {
		close(root_lock);
		root_lock = -1;
	}
}

void take_back_add(int parent, int lock, const struct channel_made *made, int how)
{
	if (!received)
		descriptor_allow_most();
	struct entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct entry){parent, lock, how, *made, NULL};
	*end = entry;
	end = &entry->next;
}

/* Whether it is still as we made it: another file may have its name by now, or a file may have been written. */
static bool is_unused(const struct entry *entry)
{
	struct stat st;
	const char *name = entry->made.name;
	if (strchr(name, '/') || fstatat(entry->parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_ino != entry->made.inode || st.st_dev != entry->made.device)
		return false;
	return entry->how & CHANNEL_MADE_DIRECTORY ? S_ISDIR(st.st_mode)
											   : S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

static bool may_go(const struct entry *entry, bool failed, bool alone)
{
	if (entry->how & CHANNEL_MADE_STAYS)
		return failed && (root_lock < 0 || try_root_lock(LOCK_EX));
	/* A process of the box that is left could make it again. */
	if ((entry->how & CHANNEL_MADE_OWN) && !alone)
		return false;
	if (entry->how & CHANNEL_MADE_LINK)
		return entry->lock < 0 || use_lock_leave_link(entry->lock, &(struct stat){.st_ino = entry->made.inode});
	return entry->lock < 0 || flock(entry->lock, LOCK_EX | LOCK_NB) == 0;
}

void take_back_as(int fd) { userns = fd; }

/* The rest needs no more than our own user's rights, which stay. */
static bool remove_tree(const struct entry *entry)
{
	return scratch_remove(entry->parent, entry->made.name) ||
		   (userns >= 0 && setns(userns, CLONE_NEWUSER) == 0 && scratch_remove(entry->parent, entry->made.name));
}

static bool remove_made(const struct entry *entry)
{
	if (entry->how & CHANNEL_MADE_TREE)
		return remove_tree(entry);
	return unlinkat(entry->parent, entry->made.name, entry->how & CHANNEL_MADE_DIRECTORY ? AT_REMOVEDIR : 0) == 0;
}

void take_back_all(bool failed, bool alone)
{
	/* A directory in this list may hold another one of it. */
	for (bool again = true; again;) {
		again = false;
		for (struct entry **at = &received; *at;) {
			struct entry *entry = *at;
			bool gone = is_unused(entry) && may_go(entry, failed, alone) && remove_made(entry);
			if (gone)
				*at = entry->next;
			else
				at = &entry->next;
			again |= gone;
		}
	}
}
