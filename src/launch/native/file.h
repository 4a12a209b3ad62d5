/* What the kernel says about a file, statx(2). */
#ifndef NSBOX_NATIVE_FILE_H
#define NSBOX_NATIVE_FILE_H

#include "text.h"

enum { HERE = -100 /* the caller's directory */, CLOSE_ON_EXEC = 0x80000 };
enum { TYPE = 0170000, DIRECTORY = 0040000, REGULAR = 0100000 };

struct file_time {
	int64_t seconds;
	uint32_t nanoseconds, unused;
};

struct file {
	uint32_t fields, block;
	uint64_t attributes;
	uint32_t links, user, group;
	uint16_t mode, unused;
	uint64_t number, size, blocks, known;
	struct file_time accessed, born, changed, modified;
	uint32_t special[2], device[2];
	uint64_t more[14];
};
_Static_assert(sizeof(struct file) == 256, "the kernel writes 256 bytes");

/* Returns 0, or the error as a negative number. */
static long look_at(long directory, const char *path, long flags, struct file *file)
{
	enum { BASIC = 0x7ff, NO_AUTOMOUNT = 0x800 };
	return call6(STATX, directory, (long)path, flags | NO_AUTOMOUNT, BASIC, (long)file, 0);
}

#endif
