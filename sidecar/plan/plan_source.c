#include "plan/plan_source.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"

/* Our own, in memory, from its ELF header on. */
extern const char program[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

static const char magic[8] = "NSBOXPLN", self[] = "/proc/self/exe";
enum { MAX_PLAN = 256 << 20, TRAILER = 16 };

/* Its program header is what src/launch/append-plan.ts makes a segment of, so that the kernel has the plan in memory by the start. */
__attribute__((section(".note.nsbox"), used, aligned(4)))
static const struct { uint32_t name_size, size, type; char name[8]; } note = {6, 0, 1, "nsbox"};

/* What stands before the magic word. */
static uint64_t length_in(const unsigned char *end)
{
	uint64_t length = 0;
	for (int i = 7; i >= 0; i--)
		length = length << 8 | end[i];
	return length;
}

/*
 * The plan and what ends it, or NULL where the header was left as it is. It saves a start /proc/self/exe, since to open that
 * takes longer than all the rest of the reading.
 */
static const char *find_segment(size_t *size)
{
	const ElfW(Ehdr) *elf = (const void *)program;
	const ElfW(Phdr) *headers = (const void *)(program + elf->e_phoff), *first = NULL;
	uint64_t word;
	memcpy(&word, magic, sizeof word);
	for (size_t i = 0; i < elf->e_phnum; i++) {
		const ElfW(Phdr) *header = &headers[i];
		if (header->p_type == PT_LOAD && !first)
			first = header;
		if (header->p_type != PT_LOAD || header->p_paddr != word || header->p_filesz < TRAILER)
			continue;
		*size = header->p_filesz;
		return program + (header->p_vaddr - first->p_vaddr);
	}
	return NULL;
}

const char *plan_source_segment(size_t *length)
{
	size_t size;
	const char *segment = find_segment(&size);
	if (!segment)
		return NULL;
	/* To look at what a shorter file has not would end us by a signal; the kernel just says so when it looks. (A system
	 * call, since what the sanitizers put in the place of prctl looks itself.) */
	const unsigned char *end = (const unsigned char *)segment + size - TRAILER;
	bool whole = syscall(SYS_prctl, PR_SET_NAME, end) == 0 && memcmp(end + 8, magic, sizeof magic) == 0;
	if (!whole || length_in(end) != size - TRAILER)
		fail_plain("the plan in this executable is cut off", self);
	*length = size - TRAILER;
	return segment;
}

char *plan_source_trailer(size_t *length)
{
	struct stat st;
	unsigned char end[TRAILER];
	uint64_t size;
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
	size = length_in(end);
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

/* A file in memory. NEWER: a flag that kernels before 6.3 don't know, and do without. */
static int memory_file(const char *name, unsigned flags, unsigned newer)
{
	int fd = memfd_create(name, flags | newer);
	return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd;
}

void plan_source_keep(const char *text, size_t length)
{
	int fd = memory_file("nsbox-plan", MFD_CLOEXEC, FILE_NOEXEC_SEAL);
	/* Without it the box runs all the same, and can't be entered. */
	if (fd < 0)
		return;
	(void)!descriptor_write(fd, text, length);
	descriptor_keep(fd);
}

static bool copy_self(int to)
{
	struct stat st;
	int from = open(self, O_RDONLY | O_CLOEXEC);
	bool done = from >= 0 && fstat(from, &st) == 0;
	for (off_t at = 0; done && at < st.st_size;)
		done = sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0;
	close(from);
	return done;
}

void plan_source_become_sealed(const char *text, size_t length)
{
	enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
	char end[TRAILER];
	int fd = memory_file("nsbox", MFD_CLOEXEC | MFD_ALLOW_SEALING, FILE_EXEC);
	for (int i = 0; i < 8; i++)
		end[i] = (char)((uint64_t)length >> 8 * i);
	memcpy(end + 8, magic, sizeof magic);
	if (fd < 0 || !copy_self(fd) || !descriptor_write(fd, text, length) || !descriptor_write(fd, end, sizeof end) || fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0)
		fail("copy the program into memory", NULL);
	char *const argv[] = {(char *)"nsbox", NULL};
	char name[DESCRIPTOR_NAME];
	syscall(SYS_execveat, fd, "", argv, environ, EMPTY_PATH);
	/* There are kernels (5.10.223) that find no file by an empty path, and filters that refuse it. */
	int error = errno;
	execve(descriptor_name(fd, name), argv, environ);
	errno = error;
	report_hint("a box that stays needs a file in memory that can be executed (sysctl vm.memfd_noexec)");
	fail("execute a file in memory", NULL);
}
