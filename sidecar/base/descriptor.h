/*
 * Descriptors: their paths in the host's /proc (for calls that take no descriptor), reading and writing all of a text,
 * and the list of those that stay open.
 */
#ifndef NSBOX_BASE_DESCRIPTOR_H
#define NSBOX_BASE_DESCRIPTOR_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTOR_NAME = 32 };

/* A path in procfs that leads to exactly FD's file, whatever the file's own name leads to by now. */
static inline const char *descriptor_name(int fd, char name[DESCRIPTOR_NAME])
{
	snprintf(name, DESCRIPTOR_NAME, "/proc/self/fd/%d", fd);
	return name;
}

/* The name of FD's file, for messages and as a hint: another file may have that name by now. False with errno. */
static inline bool descriptor_path(int fd, char path[PATH_MAX])
{
	char name[DESCRIPTOR_NAME];
	ssize_t length = readlink(descriptor_name(fd, name), path, PATH_MAX - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	return true;
}

/* The ST_* flags of the mount that FD lies on, as statvfs(3) has them. -1 with errno. */
long descriptor_mount_flags(int fd);

/* Whether both were found at the same file. */
bool is_same_file(const struct stat *a, const struct stat *b);

/*
 * Opens FD's file again with other flags. -1 with errno. The first look-up of a process in /proc costs some 20 us, so a
 * directory is found by its own ".".
 */
int descriptor_reopen(int fd, bool directory, int flags);
/* Another descriptor of FD's file, not 0, 1 or 2. fcntl(3) of musl makes two calls of it. */
static inline int descriptor_copy(int fd) { return (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3); }

/*
 * The status of descriptor 0, 1 or 2 at the start, which each box's processes inherit: looked at once. False if it was
 * closed.
 */
struct stat;
bool descriptor_stat(int fd, struct stat *st);
/* Whether descriptor 0, 1 or 2 may be a terminal. False for the devices that programs mostly get in its place. */
bool descriptor_may_be_terminal(int fd);

/* Closes FD, or nothing if that is negative, and leaves errno alone. */
void descriptor_close(int fd);
/* Writes all LENGTH bytes, in as many calls as it takes. False with errno. */
bool descriptor_write(int fd, const char *bytes, size_t length);

/* Keeps FD through the root switch, which closes every other descriptor so that no file of the host stays reachable. */
void descriptor_keep(int fd);
void descriptor_close_range(int first, int last);
/* Close all but 0, 1, 2 and those that are kept. */
void descriptor_close_others(void);

/* Reads FD to its end and adds a NUL; messages call it NAME. Fails by fail(). */
char *descriptor_read_all(int fd, const char *name, size_t *length);

/* Raises the limit on descriptors to the hard limit: those in flight count against the sender's. */
void descriptor_allow_most(void);

/* Makes a memory file. NEWER is a flag that came with Linux 6.3; an older kernel does without. -1 with errno. */
int descriptor_memory_file(const char *name, unsigned flags, unsigned newer);
enum { DESCRIPTOR_ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
/* Executes the program that FD is open at. Returns, with errno, if that fails. */
void descriptor_execute(int fd, char *const *argv, char *const *env);

/* Makes NAME in PARENT a copy of the symbolic link LINK, opened with O_PATH. -1 with errno. */
int descriptor_copy_link(int link, int parent, const char *name);

#endif
