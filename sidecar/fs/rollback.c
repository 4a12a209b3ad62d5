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

struct rollback_entry { int parent, how; struct channel_made made; struct rollback_entry *next; };

static struct rollback_entry *latest;                        /* in the box */
static struct rollback_entry *received, **end = &received;   /* in the supervisor */
static int current;
/* Of the root, and of the host's own root, where what is nsbox's own counts for all boxes. */
static int lock = -1, lock_of_host = -1;

void rollback_set(int how) { current = how; }

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
	strcpy(entry->made.name, name);
	entry->made.device = st.st_dev;
	entry->made.inode = st.st_ino;
	descriptor_keep(entry->parent);
	latest = entry;
}

bool rollback_has_entries(void) { return latest != NULL; }

/*
 * They may be a thousand, and what is on its way in sockets counts against the sender's limit. The command's limit is not
 * touched by that: it runs already, or never will.
 */
static void allow_descriptors(void)
{
	struct rlimit most;
	if (getrlimit(RLIMIT_NOFILE, &most) == 0)
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){most.rlim_max, most.rlim_max});
}

void rollback_tell_what_goes(int link)
{
	for (struct rollback_entry **at = &latest; *at;) {
		struct rollback_entry *entry = *at;
		if (entry->how & CHANNEL_MADE_STAYS) {
			at = &entry->next;
			continue;
		}
		channel_send_made(link, entry->parent, &entry->made, entry->how);
		*at = entry->next;
	}
}

void rollback_send(int link)
{
	if (latest)
		allow_descriptors();
	for (; latest; latest = latest->next)
		channel_send_made(link, latest->parent, &latest->made, latest->how);
}

/* Others hold it shared, as long as they run, or for the moment in which they take something back. */
static bool try_lock(int fd, int how, int most)
{
	for (int tries = 0; tries < most; tries++) {
		if (flock(fd, how | LOCK_NB) == 0)
			return true;
		if (tries + 1 < most)
			nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return false;
}

/* Where there is none, as in a directory that we can't read, we do without: others can't see us then. */
static int open_lock(const char *path)
{
	int fd = host_open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || try_lock(fd, LOCK_SH, 10))
		return fd;
	close(fd);
	return -1;
}

void rollback_lock(const struct plan *plan)
{
	if (plan->own_count)
		lock_of_host = open_lock("/");
	if (plan->root->type != ROOT_TYPE_DIRECTORY || !plan->mounts_count)
		return;
	lock = plan->own_count && strcmp(plan->root->path, "/") == 0 ? lock_of_host : open_lock(plan->root->path);
}

void rollback_receive(int parent, const struct channel_made *made, int how)
{
	if (!received)
		allow_descriptors();
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct rollback_entry){parent, how, *made, NULL};
	*end = entry;
	end = &entry->next;
}

/* As we have made it: somebody may have put another thing there, or something in it. */
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

void rollback_take_back(bool failed, bool alone)
{
	bool may[2] = {false, false};
	if (!received)
		return;
	/* At the end nobody is to wait for those who still run. */
	may[0] = lock < 0 || try_lock(lock, LOCK_EX, failed ? 10 : 1);
	may[1] = alone && (lock_of_host < 0 || (lock_of_host == lock ? may[0] : try_lock(lock_of_host, LOCK_EX, 1)));
	for (struct rollback_entry *entry = received; entry; entry = entry->next)
		if ((failed || !(entry->how & CHANNEL_MADE_STAYS)) && may[!!(entry->how & CHANNEL_MADE_OWN)] && is_unused(entry))
			unlinkat(entry->parent, entry->made.name, entry->how & CHANNEL_MADE_DIRECTORY ? AT_REMOVEDIR : 0);
	received = NULL;
}
