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

/* Our own executable in memory, from its ELF header on. */
extern const char program[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

static const char magic[8] = "NSBOXPLN", self[] = "/proc/self/exe";
enum { MAX_PLAN = 256 << 20, TRAILER = 16 };

/*
 * src/launch/append-plan.ts makes the note's program header a PT_LOAD, so that the kernel maps the plan at the start.
 */
__attribute__((section(".note.nsbox"), used, aligned(4))) static const struct {
	uint32_t name_size, size, type;
	char name[8];
} note = {6, 0, 1, "nsbox"};

/* The length that stands before the magic word. */
static uint64_t length_in(const unsigned char *end)
{
	uint64_t length = 0;
	for (int i = 7; i >= 0; i--)
		length = length << 8 | end[i];
	return length;
}

/*
 * Offsets in our executable: the plan, behind the program's end, and the program header of its segment. 0: there is
 * none.
 */
static off_t program_end, segment_header;

/*
 * The plan and its trailer in memory, or NULL if the executable has no such segment. A start then needn't open
 * /proc/self/exe, which takes longer than the rest of the reading.
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
		program_end = (off_t)header->p_offset;
		segment_header = (off_t)((const char *)header - program);
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
	/*
	 * If the file was cut, reading the segment raises SIGBUS. The kernel's copy for PR_SET_NAME returns EFAULT instead.
	 * (A system call, since the sanitizers' prctl reads the name itself.)
	 */
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
	if (fd < 0)
		fail_hint("open", self, "nsbox needs the host's /proc");
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
	program_end = st.st_size - (off_t)(sizeof end + size);
	close(fd);
	*length = size;
	return text;
}

bool plan_source_is_sealed(void)
{
	int fd = open(self, O_RDONLY | O_CLOEXEC), seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
	if (fd >= 0)
		close(fd);
	return seals >= 0 && (seals & F_SEAL_WRITE);
}

off_t plan_source_program_end(int executable)
{
	struct stat st;
	return program_end ? program_end : fstat(executable, &st) < 0 ? 0 : st.st_size;
}

void plan_source_keep(const char *text, size_t length)
{
	int fd = descriptor_memory_file("nsbox-plan", MFD_CLOEXEC, FILE_NOEXEC_SEAL);
	/* Without the file the box still runs, but can't be entered. */
	if (fd < 0)
		return;
	(void)!descriptor_write(fd, text, length);
	descriptor_keep(fd);
}

/* Copies our executable without the plan and without the program header of its segment. */
static bool copy_program(int to)
{
	static const ElfW(Word) none = PT_NULL;
	struct stat st;
	int from = open(self, O_RDONLY | O_CLOEXEC);
	bool done = from >= 0 && fstat(from, &st) == 0;
	off_t size = !done || program_end ? program_end : st.st_size;
	for (off_t at = 0; done && at < size;)
		done = sendfile(to, from, &at, (size_t)(size - at)) > 0;
	close(from);
	return done && (!segment_header || pwrite(to, &none, sizeof none, segment_header) == (ssize_t)sizeof none);
}

static char **arguments(int plan, bool old_mount_api, char *const *extra)
{
	static char number[16];
	size_t count = 0, used = 0;
	while (extra && extra[count])
		count++;
	char **argv = calloc(count + 6, sizeof *argv);
	if (!argv)
		fail("allocate", NULL);
	snprintf(number, sizeof number, "%d", plan);
	argv[used++] = (char *)"nsbox";
	argv[used++] = (char *)"--plan-fd";
	argv[used++] = number;
	if (old_mount_api)
		argv[used++] = (char *)"--old-mount-api";
	argv[used++] = (char *)"--";
	for (size_t i = 0; i < count; i++)
		argv[used++] = extra[i];
	return argv;
}

int plan_source_copy_program(void)
{
	int fd = descriptor_memory_file("nsbox", MFD_CLOEXEC | MFD_ALLOW_SEALING, FILE_EXEC);
	if (fd < 0 || !copy_program(fd))
		fail("copy the program into memory", NULL);
	return fd;
}

void plan_source_become_sealed(int copy, const char *text, size_t length, bool old_mount_api, char *const *extra)
{
	int plan = descriptor_memory_file("nsbox-plan", 0, FILE_NOEXEC_SEAL);
	if (plan < 0 || !descriptor_write(plan, text, length) || lseek(plan, 0, SEEK_SET) < 0 ||
		fcntl(copy, F_ADD_SEALS, DESCRIPTOR_ALL_SEALS) < 0)
		fail("copy the program into memory", NULL);
	char **argv = arguments(plan, old_mount_api, extra);
	descriptor_execute(copy, argv, environ);
	int error = errno;
	free(argv);
	close(copy);
	close(plan);
	errno = error;
}
