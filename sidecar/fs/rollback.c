#include "fs/rollback.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
struct rollback_entry {
	int parent, lock, how;
	struct channel_made made;
	struct rollback_entry *next;
};

static struct rollback_entry *latest; /* in the box */
static struct rollback_entry *received, **end = &received; /* in the supervisor */
static int current;
static int lock = -1; /* lock of a root that keeps its mount points */

/* In the box: locks on files that other boxes may have made. */
static struct used {
	int lock;
	struct used *next;
} * used;

enum { MAX_LINKS = 64, MADE_BYTE = 1, MAX_TRIES = 100 };

void rollback_set(int how) { current = how; }

/*
 * Each box that uses a file which a box has made holds a read lock on its first byte: so the last of them removes it,
 * and a file that was there before stays. Nothing on the disk says so.
 */
static void mark(int fd)
{
	fcntl(fd, F_OFD_SETLK, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = MADE_BYTE});
}

static bool is_marked(int fd)
{
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = MADE_BYTE};
	return fcntl(fd, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
}

/* A lock on the second byte of the root directory says that a box is between making a file and marking it. */
static int gate = -1;

static bool set_gate(short type)
{
	return fcntl(gate, F_OFD_SETLK,
			   &(struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = MADE_BYTE, .l_len = 1}) == 0;
}

void rollback_begin(void)
{
	if (current & CHANNEL_MADE_STAYS)
		return;
	if (gate < 0)
		gate = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)set_gate(F_RDLCK);
}

void rollback_done(void)
{
	int number = errno;
	if (!(current & CHANNEL_MADE_STAYS))
		(void)set_gate(F_UNLCK);
	errno = number;
}

/*
 * Whether another process is making mount points. Asks by a new descriptor, since locks of our own one would not show
 * by it.
 */
static bool somebody_makes(void)
{
	static int asking = -1;
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = MADE_BYTE, .l_len = 1};
	if (asking < 0)
		asking = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return asking >= 0 && fcntl(asking, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
}

/*
 * Whether FD is marked; waits for a box that may be about to do that: who is done by the first look has marked it
 * before the second.
 */
static bool gets_marked(int fd)
{
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		bool makes = somebody_makes();
		if (is_marked(fd))
			return true;
		if (!makes)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return false;
}

/* A link can't be opened: the byte of its directory at the link's inode number stands for it. */
static off_t byte_of(const struct stat *st) { return (off_t)(2 + (st->st_ino & 0x3fffffffffffffff)); }

static bool set_link(int fd, const struct stat *st, short type)
{
	return fcntl(fd, F_OFD_SETLK,
			   &(struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte_of(st), .l_len = 1}) == 0;
}

static int lock_link(int parent, const struct stat *st)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)set_link(fd, st, F_RDLCK);
	return fd;
}

/* Lets go of a link. Whether no other box uses it. */
static bool leave_link(int fd, const struct stat *st)
{
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte_of(st), .l_len = 1};
	(void)set_link(fd, st, F_UNLCK);
	return fcntl(fd, F_OFD_GETLK, &found) < 0 || found.l_type == F_UNLCK;
}

static int lock_shared(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	mark(fd);
	(void)!flock(fd, LOCK_SH | LOCK_NB);
	return fd;
}

static const struct rollback_entry *entry_of(const struct stat *st)
{
	const struct rollback_entry *entry = latest;
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
	struct rollback_entry *entry = malloc(sizeof *entry);
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
	mark(fd);
	how |= S_ISDIR(st.st_mode) ? CHANNEL_MADE_DIRECTORY : 0;
	*entry = (struct rollback_entry){parent, fd, how, {.device = st.st_dev, .inode = st.st_ino}, latest};
	memcpy(entry->made.name, name, strlen(name) + 1);
	latest = entry;
	return parent;
}

/* The same for the directory FD and those above it. PATH is that of FD, if it is KNOWN. */
static void adopt_ways(int fd, char *path, bool known, int how)
{
	struct stat st;
	char link[DESCRIPTOR_NAME];
	while (fd >= 0 && fstat(fd, &st) == 0 && may_be_made(&st) && !entry_of(&st)) {
		int held = open(descriptor_name(fd, link), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fd = held >= 0 && gets_marked(held) && flock(held, LOCK_SH | LOCK_NB) == 0 &&
					 (known || descriptor_path(held, path))
				 ? adopt(held, path, how)
				 : -1;
		if (fd < 0)
			descriptor_close(held);
		known = true;
	}
}

static void remember_made(int parent, const char *name, bool directory)
{
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct rollback_entry){
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
				  : S_ISLNK(st.st_mode)        ? lock_link(parent, &st)
											   : lock_shared(parent, name);
	/* The other entries are sent before descriptors are closed. */
	if (current & CHANNEL_MADE_STAYS)
		descriptor_keep(entry->parent);
	latest = entry;
}

/* Keeps the directories above, if other boxes have made them. Not inlined, see own.c. */
__attribute__((noinline)) static void remember_ways(int parent)
{
	char path[PATH_MAX];
	adopt_ways(parent, path, false, current & CHANNEL_MADE_OWN);
}

void rollback_remember(int parent, const char *name, bool directory)
{
	remember_made(parent, name, directory);
	rollback_done();
	if (!(current & CHANNEL_MADE_STAYS))
		remember_ways(parent);
}

/* Not inlined either. */
__attribute__((noinline)) static bool adopt_used(int held, int how)
{
	char path[PATH_MAX];
	int parent = descriptor_path(held, path) ? adopt(held, path, how) : -1;
	adopt_ways(parent, path, true, how);
	return parent >= 0;
}

static void remember_used(int held)
{
	struct used *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct used){held, used};
	used = entry;
}

/* Whether HELD, which is open for reading, may be used. KEPT: it has to stay open. */
static bool use_marked(int held, bool *kept)
{
	struct stat st;
	bool marked = gets_marked(held);
	*kept = false;
	if (fstat(held, &st) < 0)
		return true;
	/* No box has made it, so none takes it away; unless one just has. */
	if (!marked)
		return st.st_nlink > 0;
	if (!may_be_made(&st) || entry_of(&st))
		return true;
	if (flock(held, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return !is_marked(held);
	if (fstat(held, &st) == 0 && st.st_nlink == 0)
		return false;
	*kept = true;
	if (!adopt_used(held, current & CHANNEL_MADE_OWN))
		remember_used(held);
	return true;
}

bool rollback_use(int fd)
{
	char path[DESCRIPTOR_NAME];
	struct stat st;
	bool kept;
	if ((current & CHANNEL_MADE_STAYS) || fstat(fd, &st) < 0 || !may_be_made(&st))
		return true;
	if (entry_of(&st))
		return true;
	/* A file that we can't read belongs to another user, who must take care of it. */
	int held = open(descriptor_name(fd, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (held < 0)
		return true;
	bool usable = use_marked(held, &kept);
	if (!kept)
		close(held);
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
	int fd = mkdirat(parent, name, mode) < 0 ? -1 : lock_shared(parent, name);
	rollback_done();
	if (fd < 0)
		return -1;
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode) || strlen(name) >= sizeof entry->made.name) {
		free(entry);
		descriptor_close(fd);
		errno = ENOTDIR;
		return -1;
	}
	*entry = (struct rollback_entry){
		parent, fd, current | CHANNEL_MADE_DIRECTORY, {.device = st.st_dev, .inode = st.st_ino}, latest};
	memcpy(entry->made.name, name, strlen(name) + 1);
	latest = entry;
	remember_ways(parent);
	return fd;
}

void rollback_use_link(int parent, const char *name)
{
	struct stat st;
	if ((current & CHANNEL_MADE_STAYS) || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
		return;
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte_of(&st), .l_len = 1};
	if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK && !entry_of(&st))
		remember_made(parent, name, false);
	close(fd);
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
		prlimit(0, RLIMIT_NOFILE, &(struct rlimit){most.rlim_max, most.rlim_max}, NULL);
}

static void tell(int link, const struct rollback_entry *entry)
{
	channel_send_made(link, entry->parent, entry->lock, &entry->made, entry->how);
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
	if (plan->root->type != ROOT_DIRECTORY || !plan->mounts_count || plan->take_back)
		return;
	lock = host_open(plan->root->path, O_RDONLY | O_DIRECTORY);
	/* A directory that we can't read has no lock of ours: other boxes can't see us then, and may remove what we use. */
	if (lock >= 0 && !try_lock(LOCK_SH)) {
		close(lock);
		lock = -1;
	}
}

void rollback_receive(int parent, int held, const struct channel_made *made, int how)
{
	if (!received)
		allow_descriptors_again();
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct rollback_entry){parent, held, how, *made, NULL};
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
	return entry->how & CHANNEL_MADE_DIRECTORY ? S_ISDIR(st.st_mode)
											   : S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

static bool may_go(const struct rollback_entry *entry, bool failed, bool alone)
{
	if (entry->how & CHANNEL_MADE_STAYS)
		return failed && (lock < 0 || try_lock(LOCK_EX));
	/* A process of the box that is left could make it anew. */
	if ((entry->how & CHANNEL_MADE_OWN) && !alone)
		return false;
	if (entry->how & CHANNEL_MADE_LINK)
		return entry->lock < 0 || leave_link(entry->lock, &(struct stat){.st_ino = entry->made.inode});
	return entry->lock < 0 || flock(entry->lock, LOCK_EX | LOCK_NB) == 0;
}

void rollback_take_back(bool failed, bool alone)
{
	/* A directory in this list may hold another one of it. */
	for (bool again = true; again;) {
		again = false;
		for (struct rollback_entry **at = &received; *at;) {
			struct rollback_entry *entry = *at;
			bool gone =
				is_unused(entry) && may_go(entry, failed, alone) &&
				unlinkat(entry->parent, entry->made.name, entry->how & CHANNEL_MADE_DIRECTORY ? AT_REMOVEDIR : 0) == 0;
			if (gone)
				*at = entry->next;
			else
				at = &entry->next;
			again |= gone;
		}
	}
}
