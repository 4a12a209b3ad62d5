#include "fs/rollback.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "fs/use_lock.h"

/*
 * LOCK is on a file that is removed when the box ends. All boxes that use the file share the lock as long as they run,
 * and the box that made the file removes it only if no other box has the lock.
 */
struct entry {
	int parent, lock, how;
	struct channel_made made;
	struct entry *next;
};

static struct entry *latest;
static int current; /* CHANNEL_MADE_*: STAYS, OWN */

/* Locks on files that other boxes may have made. */
static struct used {
	int lock;
	struct used *next;
} * used;

enum { MAX_LINKS = 64 };

void rollback_set_flags(int how) { current = how; }

void rollback_begin(void)
{
	if (!(current & CHANNEL_MADE_STAYS))
		use_lock_gate(true);
}

void rollback_done(void)
{
	if (!(current & CHANNEL_MADE_STAYS))
		use_lock_gate(false);
}

static const struct entry *entry_of(const struct stat *st)
{
	const struct entry *entry = latest;
	while (entry && (entry->made.inode != st->st_ino || entry->made.device != st->st_dev))
		entry = entry->next;
	return entry;
}

/* Whether a file looks as if another box had made it. */
static bool may_be_made(const struct stat *st)
{
	static uid_t ours = (uid_t)-1;
	if (ours == (uid_t)-1)
		ours = geteuid();
	return st->st_uid == ours &&
		   (S_ISDIR(st->st_mode) ? st->st_nlink <= MAX_LINKS : S_ISREG(st->st_mode) && st->st_size == 0);
}

/*
 * Another box has made FD, whose path is PATH: the last box that uses it removes it. Gives back its directory; or -1,
 * and FD stays the caller's. The name is compared only when it is removed: here a mount may lie on it.
 */
static int adopt(int fd, char *path, int how)
{
	struct stat st;
	char *name = strrchr(path, '/');
	struct entry *entry = malloc(sizeof *entry);
	if (!entry || !name || fstat(fd, &st) < 0 || entry_of(&st) || strlen(name + 1) >= sizeof entry->made.name) {
		free(entry);
		return -1;
	}
	*name++ = '\0';
	int parent = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0) {
		free(entry);
		return -1;
	}
	use_lock_mark(fd);
	how |= S_ISDIR(st.st_mode) ? CHANNEL_MADE_DIRECTORY : 0;
	*entry = (struct entry){parent, fd, how, {.device = st.st_dev, .inode = st.st_ino}, latest};
	memcpy(entry->made.name, name, strlen(name) + 1);
	latest = entry;
	return parent;
}

/* The same for the directory FD and those above it. PATH is that of FD, if it is KNOWN. */
static void adopt_parents(int fd, char *path, bool known, int how)
{
	struct stat st;
	while (fd >= 0 && fstat(fd, &st) == 0 && may_be_made(&st) && !entry_of(&st)) {
		int lock = descriptor_reopen(fd, true, O_RDONLY | O_DIRECTORY);
		fd = lock >= 0 && use_lock_gets_marked(lock) && flock(lock, LOCK_SH | LOCK_NB) == 0 &&
					 (known || descriptor_path(lock, path))
				 ? adopt(lock, path, how)
				 : -1;
		if (fd < 0)
			descriptor_close(lock);
		known = true;
	}
}

static void remember_made(int parent, const char *name, bool directory)
{
	struct entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct entry){
		.parent = descriptor_copy(parent), .how = current | (directory ? CHANNEL_MADE_DIRECTORY : 0), .next = latest};
	struct stat st;
	if (entry->parent < 0 || strlen(name) >= sizeof entry->made.name ||
		fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		free(entry);
		return;
	}
	memcpy(entry->made.name, name, strlen(name) + 1);
	entry->made.device = st.st_dev;
	entry->made.inode = st.st_ino;
	entry->how |= S_ISLNK(st.st_mode) ? CHANNEL_MADE_LINK : 0;
	entry->lock = current & CHANNEL_MADE_STAYS ? -1
				  : S_ISLNK(st.st_mode)        ? use_lock_link(parent, &st)
											   : use_lock_file(parent, name);
	/* The other entries are sent before descriptors are closed. */
	if (current & CHANNEL_MADE_STAYS)
		descriptor_keep(entry->parent);
	latest = entry;
}

/* Keeps the directories above, if other boxes have made them. Not inlined, see own.c. */
__attribute__((noinline)) static void remember_parents(int parent)
{
	char path[PATH_MAX];
	adopt_parents(parent, path, false, current & CHANNEL_MADE_OWN);
}

void rollback_remember(int parent, const char *name, bool directory)
{
	remember_made(parent, name, directory);
	rollback_done();
	if (!(current & CHANNEL_MADE_STAYS))
		remember_parents(parent);
}

/* Not inlined either. */
__attribute__((noinline)) static bool adopt_used(int lock, int how)
{
	char path[PATH_MAX];
	int parent = descriptor_path(lock, path) ? adopt(lock, path, how) : -1;
	adopt_parents(parent, path, true, how);
	return parent >= 0;
}

static void remember_used(int lock)
{
	struct used *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct used){lock, used};
	used = entry;
}

/* Whether LOCK, which is open for reading, may be used. KEPT: it has to stay open. */
static bool use_marked(int lock, bool *kept)
{
	struct stat st;
	bool marked = use_lock_gets_marked(lock);
	*kept = false;
	if (fstat(lock, &st) < 0)
		return true;
	/* No box has made it, so none removes it; unless one just has. */
	if (!marked)
		return st.st_nlink > 0;
	if (!may_be_made(&st) || entry_of(&st))
		return true;
	if (flock(lock, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return !use_lock_is_marked(lock);
	if (fstat(lock, &st) == 0 && st.st_nlink == 0)
		return false;
	*kept = true;
	if (!adopt_used(lock, current & CHANNEL_MADE_OWN))
		remember_used(lock);
	return true;
}

bool rollback_use(int fd)
{
	struct stat st;
	bool kept;
	if ((current & CHANNEL_MADE_STAYS) || fstat(fd, &st) < 0 || !may_be_made(&st))
		return true;
	if (entry_of(&st))
		return true;
	/* A file that we can't read belongs to another user, who must take care of it. */
	int lock = descriptor_reopen(fd, S_ISDIR(st.st_mode), O_RDONLY | O_NONBLOCK);
	if (lock < 0)
		return true;
	bool usable = use_marked(lock, &kept);
	if (!kept)
		close(lock);
	return usable;
}

bool rollback_use_opened(int fd)
{
	bool kept;
	return use_marked(fd, &kept);
}

int rollback_make_directory(int parent, const char *name, mode_t mode)
{
	struct stat st;
	rollback_begin();
	int fd = mkdirat(parent, name, mode) < 0 ? -1 : use_lock_file(parent, name);
	rollback_done();
	if (fd < 0)
		return -1;
	struct entry *entry = malloc(sizeof *entry);
	if (!entry || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode) || strlen(name) >= sizeof entry->made.name) {
		free(entry);
		descriptor_close(fd);
		errno = ENOTDIR;
		return -1;
	}
	*entry =
		(struct entry){parent, fd, current | CHANNEL_MADE_DIRECTORY, {.device = st.st_dev, .inode = st.st_ino}, latest};
	memcpy(entry->made.name, name, strlen(name) + 1);
	latest = entry;
	remember_parents(parent);
	return fd;
}

void rollback_remember_tree(int parent, const char *name, int lock)
{
	struct stat st;
	struct entry *entry = malloc(sizeof *entry);
	if (!entry || fstat(lock, &st) < 0)
		fail("allocate", NULL);
	*entry = (struct entry){descriptor_copy(parent), lock, CHANNEL_MADE_DIRECTORY | CHANNEL_MADE_TREE,
		{.device = st.st_dev, .inode = st.st_ino}, latest};
	memcpy(entry->made.name, name, strlen(name) + 1);
	latest = entry;
}

void rollback_use_link(int parent, const char *name)
{
	struct stat st;
	if ((current & CHANNEL_MADE_STAYS) || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
		return;
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && use_lock_has_link(fd, &st) && !entry_of(&st))
		remember_made(parent, name, false);
	close(fd);
}

bool rollback_has_entries(void) { return latest != NULL; }

static void send_entry(int channel, const struct entry *entry)
{
	channel_send_made(channel, entry->parent, entry->lock, &entry->made, entry->how);
}

void rollback_send_transient(int channel)
{
	for (; used; used = used->next)
		channel_send_lock(channel, used->lock);
	for (struct entry **at = &latest; *at;) {
		struct entry *entry = *at;
		if (entry->how & CHANNEL_MADE_STAYS) {
			at = &entry->next;
			continue;
		}
		send_entry(channel, entry);
		*at = entry->next;
	}
}

void rollback_send_rest(int channel)
{
	/* Entries may be a thousand. The command isn't affected: it runs already, or never will. */
	if (latest)
		descriptor_allow_most();
	for (; latest; latest = latest->next)
		send_entry(channel, latest);
}
