#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "report.h"
#include "sys.h"

static const char magic[8] = "NSBOXPLN";
enum { MAX_PLAN = 256 << 20 };

char *source_read(int fd, const char *name, size_t *length)
{
	size_t size = 65536, used = 0;
	char *text = malloc(size);
	for (;;) {
		if (!text)
			fail("read", name);
		ssize_t got = read(fd, text + used, size - used);
		/* A descriptor that somebody else has made non-blocking, such as the reader's end of a terminal. */
		if (got < 0 && errno == EAGAIN && poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) >= 0)
			continue;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail("read", name);
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > MAX_PLAN)
			fail_plain("is too large for a plan", name);
		if (used == size)
			text = realloc(text, size *= 2);
	}
	text[used] = '\0';
	*length = used;
	return text;
}

char *source_trailer(size_t *length)
{
	static const char self[] = "/proc/self/exe";
	struct stat st;
	unsigned char end[16];
	uint64_t size = 0;
	int fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		report_hint("nsbox needs /proc of the host");
		fail("open", self);
	}
	if (fstat(fd, &st) < 0 || pread(fd, end, sizeof end, st.st_size - (off_t)sizeof end) != (ssize_t)sizeof end)
		fail("read", self);
	if (memcmp(end + 8, magic, sizeof magic) != 0) {
		close(fd);
		return NULL;
	}
	for (int i = 7; i >= 0; i--)
		size = size << 8 | end[i];
	if (size > MAX_PLAN || (off_t)(size + sizeof end) > st.st_size)
		fail_plain("the plan in this executable is cut off", self);
	char *text = malloc(size + 1);
	for (size_t done = 0; text && done < size;) {
		ssize_t got = pread(fd, text + done, size - done, st.st_size - (off_t)(sizeof end + size - done));
		if (got <= 0)
			fail("read", self);
		done += (size_t)got;
	}
	if (!text)
		fail("read", self);
	close(fd);
	*length = size;
	return text;
}

void source_keep(const char *text, size_t length)
{
	/* Kernels before 6.3 know no MFD_NOEXEC_SEAL. */
	int fd = memfd_create("nsbox-plan", MFD_CLOEXEC | FILE_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("nsbox-plan", MFD_CLOEXEC);
	/* Without it the box runs all the same, and can't be entered. */
	if (fd < 0)
		return;
	for (size_t done = 0; done < length;) {
		ssize_t put = write(fd, text + done, length - done);
		if (put <= 0)
			break;
		done += (size_t)put;
	}
	descriptor_keep(fd);
}
