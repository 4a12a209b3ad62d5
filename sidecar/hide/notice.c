#include "hide/notice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "hide/failure.h"

/* A watched directory, in a table by its number. */
struct watched {
	dev_t device;
	ino_t inode;
	bool used;
};

static struct watched *table;
static size_t room, used;
static bool blind;

static struct watched *find(const struct stat *st)
{
	size_t at = (size_t)(st->st_ino * 0x9e3779b97f4a7c15u ^ st->st_dev) & (room - 1);
	while (table[at].used && (table[at].device != st->st_dev || table[at].inode != st->st_ino))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static void grow(void)
{
	struct watched *old = table;
	size_t count = room;
	room = room ? room * 2 : 256;
	if (!(table = calloc(room, sizeof *table)))
		failure("allocate", NULL, NULL, ENOMEM);
	for (size_t i = 0; i < count; i++)
		if (old[i].used) {
			struct stat st = {.st_dev = old[i].device, .st_ino = old[i].inode};
			*find(&st) = old[i];
		}
	free(old);
}

/* False: it is watched already. */
static bool add(const struct stat *st)
{
	if (used * 2 >= room)
		grow();
	struct watched *entry = find(st);
	if (entry->used)
		return false;
	*entry = (struct watched){st->st_dev, st->st_ino, true};
	used++;
	return true;
}

/* The descriptor stays open, since the watch ends with it. */
static void watch(int directory)
{
	struct stat st;
	if (fstat(directory, &st) < 0 || !add(&st))
		return;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_RENAME | DN_MULTISHOT) == 0)
		return;
	blind = true;
	if (fd >= 0)
		close(fd);
}

/* Before Linux 5.8, where the kernel doesn't tell, a mount point counts as movable. */
static bool is_mount_point(int directory, int below)
{
	struct sys_statx first, second;
	return sys_statx(directory, &first) == 0 && sys_statx(below, &second) == 0 &&
		   (first.mask & second.mask & WANT_MOUNT_ID) && first.mount_id != second.mount_id;
}

int notice_way(int root, const char *path, bool *movable)
{
	char name[NAME_MAX + 1];
	int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*movable = false;
	while (at >= 0) {
		path += strspn(path, "/");
		size_t length = strcspn(path, "/");
		watch(at);
		if (!path[length] || length > NAME_MAX)
			return at;
		memcpy(name, path, length);
		name[length] = '\0';
		path += length;
		int below = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0 && faccessat(at, ".", W_OK, 0) == 0 && !is_mount_point(at, below))
			*movable = true;
		int number = errno;
		close(at);
		errno = number;
		at = below;
	}
	return -1;
}

bool notice_is_blind(void) { return blind; }
