#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"

static const char foreign_hint[] =
	"this /proc belongs to another pid namespace: mount a new one first, as unshare --mount-proc does";

bool procfs_shows(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == SYS_PROC_MAGIC;
}

/* Opens a pipe that no other process has, and looks for it among PROCESS's descriptors. */
static bool is_self(int process)
{
	int ends[2];
	char name[32];
	struct stat here, there;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	snprintf(name, sizeof name, "fd/%d", ends[0]);
	bool same = fstat(ends[0], &here) == 0 && fstatat(process, name, &there, 0) == 0 && is_same_file(&here, &there);
	close(ends[0]);
	close(ends[1]);
	return same;
}

int procfs_open_self(int *number)
{
	char text[16] = "";
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return -1;
	/* "self" is our number in the pid namespace of that procfs, which may not be ours. */
	int process = procfs_shows(proc) ? openat(proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (process >= 0 &&
		(readlinkat(proc, "self", text, sizeof text - 1) <= 0 || !procfs_shows(process) || !is_self(process))) {
		close(process);
		process = -1;
	}
	close(proc);
	*number = (int)strtol(text, NULL, 10);
	if (process < 0)
		errno = ENOENT;
	return process;
}

const char *procfs_hint(void)
{
	int number = errno;
	bool there = access("/proc", F_OK) == 0;
	errno = number;
	return there ? foreign_hint : NULL;
}

bool procfs_has_our_numbers(void)
{
	char text[4096];
	int number, process = procfs_open_self(&number),
				fd = process < 0 ? -1 : openat(process, "status", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	close(fd);
	close(process);
	if (length < 0)
		return false;
	text[length] = '\0';
	/* NSpid (Linux 4.1) has our numbers in all pid namespaces from that of /proc down to ours. */
	const char *line = strstr(text, "\nNSpid:\t");
	if (line)
		return strcspn(line + 8, "\t\n") == strcspn(line + 8, "\n");
	return number == (int)getpid();
}

void procfs_refuse_foreign(void)
{
	if (procfs_has_our_numbers())
		return;
	fail_plain_hint("process numbers in /proc are not ours", "/proc", foreign_hint);
}
