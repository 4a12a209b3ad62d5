#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "base/report.h"
#include "base/sys.h"

enum { MAX_READ = 256 << 20 };

static int *kept;
static size_t count, room;

bool descriptor_stat(int fd, struct stat *st)
{
	static struct stat found[3];
	static bool known[3];
	if (!known[fd] && fstat(fd, &found[fd]) < 0)
		return false;
	known[fd] = true;
	*st = found[fd];
	return true;
}

bool descriptor_may_be_terminal(int fd)
{
	enum { MEMORY_DEVICES = 1 }; /* /dev/null and others, Documentation/admin-guide/devices.txt */
	struct stat st;
	return descriptor_stat(fd, &st) && S_ISCHR(st.st_mode) && major(st.st_rdev) != MEMORY_DEVICES;
}

bool descriptor_write(int fd, const char *bytes, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t put = write(fd, bytes + done, length - done);
		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

int descriptor_reopen(int fd, bool directory, int flags)
{
	char name[DESCRIPTOR_NAME];
	/* Without the right to search the directory, it can still be read by a path. */
	int again = directory ? openat(fd, ".", flags | O_CLOEXEC) : -1;
	return again >= 0 ? again : open(descriptor_name(fd, name), flags | O_CLOEXEC);
}

/* statfs(2) has them since Linux 2.6.36; statvfs(3) only renames its members. */
long descriptor_mount_flags(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) < 0 ? -1 : (long)fs.f_flags;
}

bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

void descriptor_close(int fd)
{
	int number = errno;
	if (fd >= 0)
		close(fd);
	errno = number;
}

void descriptor_keep(int fd)
{
	if (count == room) {
		room = room ? room * 2 : 16;
		kept = realloc(kept, room * sizeof *kept);
		if (!kept)
			fail("allocate", NULL);
	}
	/* Sorted insertion: most descriptors come in rising order, so the loop seldom runs. */
	size_t at = count++;
	for (; at > 0 && kept[at - 1] > fd; at--)
		kept[at] = kept[at - 1];
	kept[at] = fd;
}

void descriptor_close_range(int first, int last)
{
	if (first > last || sys_close_range((unsigned)first, (unsigned)last) == 0)
		return;
	/* Linux before 5.9 has no close_range. The limit may have been lowered since the kept descriptors were opened. */
	struct rlimit limit = {.rlim_cur = INT_MAX};
	prlimit(0, RLIMIT_NOFILE, NULL, &limit);
	long most = limit.rlim_cur < INT_MAX ? (long)limit.rlim_cur : INT_MAX;
	if (count > 0 && kept[count - 1] >= most)
		most = kept[count - 1] + 1L;
	for (int fd = first; fd <= last && fd < most; fd++)
		close(fd);
}

void descriptor_close_others(void)
{
	int first = 3;
	for (size_t i = 0; i < count; i++) {
		if (kept[i] < first)
			continue;
		descriptor_close_range(first, kept[i] - 1);
		first = kept[i] + 1;
	}
	descriptor_close_range(first, INT_MAX);
}

char *descriptor_read_all(int fd, const char *name, size_t *length)
{
	size_t size = 65536, used = 0;
	char *text = malloc(size);
	for (;;) {
		if (!text)
			fail("read", name);
		ssize_t got = read(fd, text + used, size - used);
		/* Another process that shares the descriptor, such as a terminal, may have made it non-blocking. */
		if (got < 0 && errno == EAGAIN && poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) >= 0)
			continue;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail("read", name);
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > MAX_READ)
			fail_plain("is too large", name);
		if (used == size)
			text = realloc(text, size *= 2);
	}
	text[used] = '\0';
	*length = used;
	return text;
}

void descriptor_allow_most(void)
{
	struct rlimit most;
	if (prlimit(0, RLIMIT_NOFILE, NULL, &most) == 0)
		prlimit(0, RLIMIT_NOFILE, &(struct rlimit){most.rlim_max, most.rlim_max}, NULL);
}

int descriptor_memory_file(const char *name, unsigned flags, unsigned newer)
{
	int fd = memfd_create(name, flags | newer);
	return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd;
}

void descriptor_execute(int fd, char *const *argv, char *const *env)
{
	char name[DESCRIPTOR_NAME];
	syscall(SYS_execveat, fd, "", argv, env, EMPTY_PATH);
	/* Linux 5.10.223 fails for an empty path, and some seccomp filters refuse the call. */
	execve(descriptor_name(fd, name), argv, env);
}

int descriptor_copy_link(int link, int parent, const char *name)
{
	char to[PATH_MAX];
	ssize_t length = readlinkat(link, "", to, sizeof to - 1);
	to[length < 0 ? 0 : length] = '\0';
	return length < 0 ? -1 : symlinkat(to, parent, name);
}
