#include "process/caller_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "plan/contract.h"

/* Those that the command gets besides 0, 1 and 2. */
static const struct process *receiver;

/* Refuses a descriptor through which the box could reach the host's files. */
static _Noreturn void refuse_descriptor(int fd, const char *what)
{
	static const char names[][16] = {"standard input", "standard output", "standard error"};
	char number[12];
	snprintf(number, sizeof number, "%d", fd);
	fail_plain_hint(what, fd < 3 ? names[fd] : number,
		"give the command a file, a pipe or /dev/null there; what it is to see of the host it sees by --bind");
}

void caller_descriptors_keep(int fd, const char *what, const char *hint)
{
	if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		fail_hint(what, NULL, hint);
	if (fd > 2)
		descriptor_keep(fd);
}

static const char is_directory[] = "is a directory, by which the box could reach the host's files";
static const char is_path[] = "is opened by O_PATH, and can't be read or written to";

/*
 * All that we and the front end open ourselves is closed by execve, so what has that mark is none of the caller's. Each
 * gets the mark here, so that no helper of ours inherits it.
 */
void caller_descriptors_pass(const struct process *process)
{
	receiver = process;
	for (size_t i = 0; i < process->keep_fds_count; i++) {
		int fd = (int)process->keep_fds[i];
		char number[12];
		struct stat st;
		snprintf(number, sizeof number, "%d", fd);
		if (fcntl(fd, F_GETFD) & FD_CLOEXEC || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fstat(fd, &st) < 0) {
			errno = EBADF;
			fail_hint("keep", number,
				"nothing of the caller's is open under that number; in a shell: --keep-fd 3 COMMAND 3<FILE");
		}
		if (S_ISDIR(st.st_mode))
			refuse_descriptor(fd, is_directory);
		if (fcntl(fd, F_GETFL) & O_PATH)
			refuse_descriptor(fd, is_path);
		descriptor_keep(fd);
	}
}

void caller_descriptors_hand_over(void)
{
	for (size_t i = 0; receiver && i < receiver->keep_fds_count; i++)
		fcntl((int)receiver->keep_fds[i], F_SETFD, 0);
}

void caller_descriptors_let_go(void)
{
	for (size_t i = 0; receiver && i < receiver->keep_fds_count; i++)
		close((int)receiver->keep_fds[i]);
}

void caller_descriptors_close(void)
{
	descriptor_close_others();
	struct stat st;
	for (int fd = 0; fd < 3; fd++)
		if (descriptor_stat(fd, &st) && S_ISDIR(st.st_mode))
			refuse_descriptor(fd, is_directory);
	/* If 0, 1 or 2 is closed, a file of ours would get its number, and the command would inherit it. */
	struct pollfd first[] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
	if (poll(first, 3, 0) < 0)
		fail("look at", "0, 1, 2");
	for (int fd = 0; fd < 3; fd++) {
		if (!(first[fd].revents & POLLNVAL))
			continue;
		/* POLLNVAL also marks descriptors that poll(2) doesn't support. */
		if (fcntl(fd, F_GETFD) >= 0)
			refuse_descriptor(fd, is_path);
		if (open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
			fail("open", "/dev/null");
	}
}
