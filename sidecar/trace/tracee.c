#include "trace/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Copies up to LENGTH bytes that lie in one page; returns how many. */
static size_t read_page(pid_t pid, uint64_t address, void *bytes, size_t length)
{
	struct iovec to = {bytes, length};
	struct iovec from = {(void *)(uintptr_t)address, length}; /* NOLINT(performance-no-int-to-ptr): its address */
	ssize_t done = process_vm_readv(pid, &to, 1, &from, 1, 0);
	if (done >= 0)
		return (size_t)done;
	/* The kernel may allow a tracer less by that call than by this one. */
	errno = 0;
	long word = ptrace(PTRACE_PEEKDATA, pid, address, NULL);
	if (errno)
		return 0;
	size_t some = length < sizeof word ? length : sizeof word;
	memcpy(bytes, &word, some);
	return some;
}

static size_t left_in_page(uint64_t address) { return (size_t)(4096 - address % 4096); }

bool tracee_text(pid_t pid, uint64_t address, char text[PATH_MAX])
{
	for (size_t length = 0; length < PATH_MAX;) {
		size_t most = left_in_page(address + length);
		if (most > PATH_MAX - length)
			most = PATH_MAX - length;
		size_t done = read_page(pid, address + length, text + length, most);
		if (done == 0)
			return false;
		if (memchr(text + length, '\0', done))
			return true;
		length += done;
	}
	return false;
}

bool tracee_bytes(pid_t pid, uint64_t address, void *bytes, size_t length)
{
	for (size_t done = 0; done < length;) {
		size_t most = left_in_page(address + done);
		size_t more = read_page(pid, address + done, (char *)bytes + done, most < length - done ? most : length - done);
		if (more == 0)
			return false;
		done += more;
	}
	return true;
}

bool tracee_link(pid_t pid, const char *name, char target[PATH_MAX])
{
	static const char gone[] = " (deleted)";
	const size_t end = sizeof gone - 1;
	char link[64];
	snprintf(link, sizeof link, "/proc/%d/%s", pid, name);
	errno = 0;
	ssize_t length = readlink(link, target, PATH_MAX - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	return *target == '/' && ((size_t)length < end || strcmp(target + length - end, gone) != 0);
}

pid_t tracee_process(pid_t thread)
{
	char line[64];
	int pid = 0;
	snprintf(line, sizeof line, "/proc/%d/status", thread);
	FILE *status = fopen(line, "re");
	while (status && fgets(line, sizeof line, status) && sscanf(line, "Tgid: %d", &pid) != 1)
		;
	if (status)
		fclose(status);
	return pid;
}

bool tracee_reads(pid_t pid, int fd, char target[PATH_MAX])
{
	struct stat opened, named;
	int process = (int)syscall(SYS_pidfd_open, tracee_process(pid), 0);
	int copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	int flags = copy < 0 ? O_PATH : fcntl(copy, F_GETFL);
	char name[32];
	snprintf(name, sizeof name, "fd/%d", copy);
	bool reads = flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_WRONLY &&
				 tracee_link(getpid(), name, target) && fstat(copy, &opened) == 0 && stat(target, &named) == 0 &&
				 opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
	if (copy >= 0)
		close(copy);
	if (process >= 0)
		close(process);
	return reads;
}

bool tracee_path(pid_t pid, int directory, const char *text, bool has_root, char path[TRACEE_PATH])
{
	char base[PATH_MAX] = "";
	if (*text != '/') {
		char name[32];
		snprintf(name, sizeof name, directory == AT_FDCWD ? "cwd" : "fd/%d", directory);
		if (!tracee_link(pid, name, base))
			return false;
	} else if (has_root && (!tracee_link(pid, "root", base) || strcmp(base, "/") == 0))
		*base = '\0';
	snprintf(path, TRACEE_PATH, "%s%s%s", base, *text == '/' || *text == '\0' ? "" : "/", text);
	return true;
}
