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
#include "fs/host.h"
#include "base/channel.h"

struct rollback_entry { int parent; char *name; bool directory; struct rollback_entry *next; };

static struct rollback_entry *latest;                        /* in the box */
static struct rollback_entry *received, **end = &received;   /* in the supervisor */
static int lock = -1;

void rollback_remember(int parent, const char *name, bool directory)
{
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct rollback_entry){fcntl(parent, F_DUPFD_CLOEXEC, 3), strdup(name), directory, latest};
	if (entry->parent < 0 || !entry->name) {
		free(entry->name);
		free(entry);
		return;
	}
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

void rollback_send(int link)
{
	if (latest)
		allow_descriptors();
	for (; latest; latest = latest->next)
		channel_send_made(link, latest->parent, latest->name, latest->directory);
}

/* Others hold it shared, as long as they run, or for the moment in which they take something back. */
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
	if (plan->root->type != ROOT_TYPE_DIRECTORY || !plan->mounts_count)
		return;
	lock = host_open(plan->root->path, O_RDONLY | O_DIRECTORY);
	/* Where there is none, as in a directory that we can't read, we do without: others can't see us then. */
	if (lock >= 0 && !try_lock(LOCK_SH)) {
		close(lock);
		lock = -1;
	}
}

void rollback_receive(int parent, const char *name, bool directory)
{
	if (!received)
		allow_descriptors();
	struct rollback_entry *entry = malloc(sizeof *entry);
	if (!entry)
		return;
	*entry = (struct rollback_entry){parent, strdup(name), directory, NULL};
	*end = entry;
	end = &entry->next;
}

/* As we have made it: somebody may have put another thing there, or something in it. */
static bool is_unused(const struct rollback_entry *entry)
{
	struct stat st;
	if (!entry->name || strchr(entry->name, '/') || fstatat(entry->parent, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return entry->directory ? S_ISDIR(st.st_mode) : S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

void rollback_take_back(void)
{
	if (!received || (lock >= 0 && !try_lock(LOCK_EX)))
		return;
	for (struct rollback_entry *entry = received; entry; entry = entry->next)
		if (is_unused(entry))
			unlinkat(entry->parent, entry->name, entry->directory ? AT_REMOVEDIR : 0);
	received = NULL;
}
