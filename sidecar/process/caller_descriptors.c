#include "process/caller_descriptors.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/descriptor.h"
#include "base/report.h"

/* Refuses a descriptor through which the box could reach the host's files. */
static _Noreturn void refuse_descriptor(int fd, const char *what)
{
	static const char names[][16] = {"standard input", "standard output", "standard error"};
	fail_plain_hint(what, names[fd],
		"give the command a file, a pipe or /dev/null there; what it is to see of the host it sees by --bind");
}

void caller_descriptors_keep(int fd, const char *what, const char *hint)
{
	if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		fail_hint(what, NULL, hint);
	if (fd > 2)
		descriptor_keep(fd);
}

void caller_descriptors_close(void)
{
	descriptor_close_others();
	struct stat st;
	for (int fd = 0; fd < 3; fd++)
		if (descriptor_stat(fd, &st) && S_ISDIR(st.st_mode))
			refuse_descriptor(fd, "is a directory, by which the box could reach the host's files");
	/* If 0, 1 or 2 is closed, a file of ours would get its number, and the command would inherit it. */
	struct pollfd first[] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
	if (poll(first, 3, 0) < 0)
		fail("look at", "0, 1, 2");
	for (int fd = 0; fd < 3; fd++) {
		if (!(first[fd].revents & POLLNVAL))
			continue;
		/* POLLNVAL also marks descriptors that poll(2) doesn't support. */
		if (fcntl(fd, F_GETFD) >= 0)
			refuse_descriptor(fd, "is opened by O_PATH, and can't be read or written to");
		if (open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
			fail("open", "/dev/null");
	}
}
