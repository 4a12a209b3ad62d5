#include "plan/part.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "plan/plan_source.h"

/* Stands behind each part in our executable. All machines that we run on store the lower byte first. */
struct trailer {
	char name[8];
	uint64_t length;
	char magic[8];
};
#define MAGIC "NSBOXPRT"
static const char self[] = "/proc/self/exe";

const char *part_name(unsigned part) { return word_at(helper_part_words, part); }

/* Looks for NAME in our executable EXECUTABLE, from the last part to the first. */
static bool find_inside(int executable, const char *name, off_t *at, off_t *length)
{
	struct trailer end;
	off_t behind = plan_source_program_end(executable);
	while (behind > (off_t)sizeof end &&
		   pread(executable, &end, sizeof end, behind -= (off_t)sizeof end) == (ssize_t)sizeof end &&
		   memcmp(end.magic, MAGIC, sizeof end.magic) == 0 && end.length < (uint64_t)behind) {
		behind -= (off_t)end.length;
		*at = behind;
		*length = (off_t)end.length;
		if (strncmp(end.name, name, sizeof end.name) == 0)
			return true;
	}
	return false;
}

/* Opens the file beside our own, which has to belong to root or to the owner of ours. */
static int open_beside(int executable, const char *name, off_t *length)
{
	static const char base[] = "nsbox-sidecar";
	char path[PATH_MAX], beside[PATH_MAX];
	struct stat own, found = {.st_mode = 0};
	int fd = -1;
	char *file = descriptor_path(executable, path) ? strrchr(path, '/') + 1 : NULL;
	if (!file || strncmp(file, base, sizeof base - 1) != 0)
		fail_plain_hint("this executable was made without a part that the plan needs", name, "make it anew");
	*file = '\0';
	if (snprintf(beside, sizeof beside, "%snsbox-%s%s", path, name, file + sizeof base - 1) < (int)sizeof beside)
		fd = open(beside, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(executable, &own) < 0 || fstat(fd, &found) < 0)
		fail_hint("open", beside, "it belongs beside nsbox-sidecar, from the same release");
	if (!S_ISREG(found.st_mode) || (found.st_uid && found.st_uid != own.st_uid))
		fail_plain("not a file of root or of the owner of nsbox-sidecar", beside);
	*length = found.st_size;
	return fd;
}

/* The file that holds the part, from AT on. AT is 0 in a file of its own. */
static int find(const char *name, off_t *at, off_t *length)
{
	int executable = open(self, O_RDONLY | O_CLOEXEC), fd;
	if (executable < 0)
		fail("open", self);
	if (find_inside(executable, name, at, length))
		return executable;
	*at = 0;
	fd = open_beside(executable, name, length);
	close(executable);
	return fd;
}

static void copy(int to, const char *name, int from, off_t at, off_t length)
{
	for (const off_t end = at + length; at < end;)
		if (to < 0 || sendfile(to, from, &at, (size_t)(end - at)) <= 0)
			fail("copy a part of nsbox into memory", name);
	close(from);
}

int part_open(unsigned part)
{
	const char *name = part_name(part);
	off_t at, length;
	int from = find(name, &at, &length),
		fd = descriptor_memory_file("nsbox-part", MFD_CLOEXEC | MFD_ALLOW_SEALING, FILE_EXEC);
	copy(fd, name, from, at, length);
	fcntl(fd, F_ADD_SEALS, DESCRIPTOR_ALL_SEALS);
	return fd;
}

static void add(int executable, unsigned part)
{
	off_t at, length;
	struct trailer end = {.magic = MAGIC};
	const char *name = part_name(part);
	int from = find(name, &at, &length);
	if (at) {
		close(from);
		return;
	}
	end.length = (uint64_t)length;
	memcpy(end.name, name, strlen(name));
	copy(executable, name, from, at, length);
	(void)!descriptor_write(executable, (const char *)&end, sizeof end);
}

void part_add_all(int executable, const struct plan *plan)
{
	bool hides = false;
	for (size_t i = 0; i < plan->helpers_count; i++)
		if (plan->helpers[i].part != PART_ABSENT)
			add(executable, plan->helpers[i].part);
	for (size_t i = 0; i < plan->mounts_count; i++)
		hides |= plan->mounts[i].type == MOUNT_HIDE || plan->mounts[i].type == MOUNT_SOCKETS;
	if (hides)
		add(executable, HELPER_PART_HIDE);
}
