#include "fs/use_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { MADE_BYTE = 1, MAX_TRIES = 100 };

void use_lock_mark(int fd)
{
	fcntl(fd, F_OFD_SETLK, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = MADE_BYTE});
}

bool use_lock_is_marked(int fd)
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

void use_lock_gate(bool closed)
{
	int number = errno;
	if (closed && gate < 0)
		gate = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)set_gate(closed ? F_RDLCK : F_UNLCK);
	errno = number;
}

/*
 * Whether another process is making mount points. Asks by a new descriptor, since locks of our own one would not show
 * by it.
 */
static bool another_makes(void)
{
	static int asking = -1;
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = MADE_BYTE, .l_len = 1};
	if (asking < 0)
		asking = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return asking >= 0 && fcntl(asking, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
}

bool use_lock_gets_marked(int fd)
{
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		/* A process that is done by now has marked it before the next look. */
		bool makes = another_makes();
		if (use_lock_is_marked(fd))
			return true;
		if (!makes)
			return false;
		clock_sleep(1000);
	}
	return false;
}

static off_t byte_of(const struct stat *st) { return (off_t)(2 + (st->st_ino & 0x3fffffffffffffff)); }

static bool set_link(int fd, const struct stat *st, short type)
{
	return fcntl(fd, F_OFD_SETLK,
			   &(struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte_of(st), .l_len = 1}) == 0;
}

int use_lock_link(int parent, const struct stat *st)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)set_link(fd, st, F_RDLCK);
	return fd;
}

bool use_lock_has_link(int fd, const struct stat *st)
{
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte_of(st), .l_len = 1};
	return fcntl(fd, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
}

bool use_lock_leave_link(int fd, const struct stat *st)
{
	(void)set_link(fd, st, F_UNLCK);
	return !use_lock_has_link(fd, st);
}

int use_lock_file(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	use_lock_mark(fd);
	(void)!flock(fd, LOCK_SH | LOCK_NB);
	return fd;
}
