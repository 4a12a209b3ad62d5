#include "fs/rollback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/host.h"
#include "base/channel.h"

/*
 * LOCK is on a file that is removed when the box ends. All boxes that use the file share the lock as long as they run,
 * and the box that made the file removes it only if no other box has the lock.
 */
struct rollback_entry { int parent, lock, how; struct channel_made made; struct rollback_entry *next; };

static struct rollback_entry *latest;                        /* in the box */
static struct rollback_entry *received, **end = &received;   /* in the supervisor */
static int current;
static int lock = -1;    /* lock of a root that keeps its mount points */
static int arrived = -1; /* lock of the next entry */

/* In the box: locks on files that other boxes may have made. */
static struct used { int lock; struct used *next; } *used;

void rollback_set(int how) { current = how; }

static int lock_shared(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		(void)!flock(fd, LOCK_SH | LOCK_NB);
	return fd;
}

void rollback_remember(int parent, const char *name, bool directory)
{
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct rollback_entry){.parent = fcntl(parent, F_DUPFD_CLOEXEC, 3), .how = current | (directory ? CHANNEL_MADE_DIRECTORY : 0), .next = latest};
	struct stat st;
	if (entry->parent < 0 || strlen(name) >= sizeof entry->made.name || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		free(entry);
		return;
	}
	memcpy(entry->made.name, name, strlen(name) + 1);
	entry->made.device = st.st_dev;
	entry->made.inode = st.st_ino;
	entry->lock = current & CHANNEL_MADE_STAYS || S_ISLNK(st.st_mode) ? -1 : lock_shared(parent, name);
	/* The other entries are sent before descriptors are closed. */
	if (current & CHANNEL_MADE_STAYS)
		descriptor_keep(entry->parent);
	latest = entry;
}

/* Whether a file looks as if another box had made it. */
static bool may_be_made(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return st->st_nlink <= 2 && ((st->st_mode & 07777) == 0755 || (st->st_mode & 07777) == 0700);
	return S_ISREG(st->st_mode) && st->st_size == 0;
}

bool rollback_use(int fd)
{
	char path[DESCRIPTOR_NAME];
	struct stat st;
	if ((current & CHANNEL_MADE_STAYS) || fstat(fd, &st) < 0 || !may_be_made(&st))
		return true;
	for (const struct rollback_entry *entry = latest; entry; entry = entry->next)
		if (entry->made.inode == st.st_ino && entry->made.device == st.st_dev)
			return true;
	/* A file that we can't read belongs to another user, who must take care of it. */
	int held = open(descriptor_name(fd, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (held < 0)
		return true;
	if (flock(held, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(held);
		return false;
	}
	if (fstat(held, &st) == 0 && st.st_nlink == 0) {
		close(held);
		return false;
	}
	struct used *entry = malloc(sizeof *entry);
	if (!entry)
		return true;
	*entry = (struct used){held, used};
	used = entry;
	return true;
}

bool rollback_has_entries(void) { return latest != NULL; }

/*
 * Raises the limit on descriptors: entries may be a thousand, and descriptors in flight count against the sender's
 * limit. The command isn't affected: it runs already, or never will.
 */
static void allow_descriptors_again(void)
{
	struct rlimit most;
	if (getrlimit(RLIMIT_NOFILE, &most) == 0)
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){most.rlim_max, most.rlim_max});
}

static void tell(int link, const struct rollback_entry *entry)
{
	if (entry->lock >= 0)
		channel_send_held(link, entry->lock);
	channel_send_made(link, entry->parent, &entry->made, entry->how);
}

void rollback_tell_what_goes(int link)
{
	for (; used; used = used->next)
		channel_send_held(link, used->lock);
	for (struct rollback_entry **at = &latest; *at;) {
		struct rollback_entry *entry = *at;
		if (entry->how & CHANNEL_MADE_STAYS) {
			at = &entry->next;
			continue;
		}
		tell(link, entry);
		*at = entry->next;
	}
}

void rollback_send(int link)
{
	if (latest)
		allow_descriptors_again();
	for (; latest; latest = latest->next)
		tell(link, latest);
}

/*
 * Other boxes have the lock shared as long as they run, or exclusively for the moment in which they remove something.
 */
static bool try_lock(int how)
{
	for (int tries = 0; tries < 10; tries++) {
		if (flock(lock, how | LOCK_NB) == 0)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return false;
}

void rollback_lock(const struct plan *plan)
{
	if (plan->root->type != ROOT_TYPE_DIRECTORY || !plan->mounts_count || plan->take_back)
		return;
	lock = host_open(plan->root->path, O_RDONLY | O_DIRECTORY);
	/* A directory that we can't read has no lock of ours: other boxes can't see us then, and may remove what we use. */
	if (lock >= 0 && !try_lock(LOCK_SH)) {
		close(lock);
		lock = -1;
	}
}

void rollback_hold(int held) { arrived = held; }

void rollback_receive(int parent, const struct channel_made *made, int how)
{
	if (!received)
		allow_descriptors_again();
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct rollback_entry){parent, arrived, how, *made, NULL};
	arrived = -1;
	*end = entry;
	end = &entry->next;
}

/* Whether it is still as we made it: another file may have its name by now, or a file may have been written. */
static bool is_unused(const struct rollback_entry *entry)
{
	struct stat st;
	const char *name = entry->made.name;
	if (strchr(name, '/') || fstatat(entry->parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_ino != entry->made.inode || st.st_dev != entry->made.device)
		return false;
	return entry->how & CHANNEL_MADE_DIRECTORY ? S_ISDIR(st.st_mode) : S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

static bool may_go(const struct rollback_entry *entry, bool failed, bool alone)
{
	if (entry->how & CHANNEL_MADE_STAYS)
		return failed && (lock < 0 || try_lock(LOCK_EX));
	/* A process of the box that is left could make it anew. */
	if ((entry->how & CHANNEL_MADE_OWN) && !alone)
		return false;
	return entry->lock < 0 || flock(entry->lock, LOCK_EX | LOCK_NB) == 0;
}

void rollback_take_back(bool failed, bool alone)
{
	for (struct rollback_entry *entry = received; entry; entry = entry->next)
		if (is_unused(entry) && may_go(entry, failed, alone))
			unlinkat(entry->parent, entry->made.name, entry->how & CHANNEL_MADE_DIRECTORY ? AT_REMOVEDIR : 0);
	received = NULL;
}
