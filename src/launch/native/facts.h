/* Facts about the machine, by which the front end knows what it has noted of images (src/host/facts.ts). */
#ifndef NSBOX_NATIVE_FACTS_H
#define NSBOX_NATIVE_FACTS_H

#include "file.h"
#include "kernel.h"

static uint64_t nanoseconds(const struct file_time *time)
{
	return (uint64_t)time->seconds * 1000000000 + time->nanoseconds;
}

/* FACT: the two numbers of the device, inode, size, times of modification and of change, path. */
static int is_same_file(const char *fact)
{
	struct file now;
	uint64_t noted[6];
	for (int n = 0; n < 6; n++)
		noted[n] = number_at(&fact);
	return !look_at(HERE, fact, 0, &now) && now.device[0] == noted[0] && now.device[1] == noted[1] &&
		   now.number == noted[2] && now.size == noted[3] && nanoseconds(&now.modified) == noted[4] &&
		   nanoseconds(&now.changed) == noted[5];
}

static int is_absent(const char *path)
{
	enum { NO_FOLLOW = 0x100, NO_ENTRY = -2, NOT_A_DIRECTORY = -20 };
	struct file now;
	long failed = look_at(HERE, path, NO_FOLLOW, &now);
	return failed == NO_ENTRY || failed == NOT_A_DIRECTORY;
}

static int has_name(const char *wanted)
{
	char names[SYSTEM_LENGTH];
	call4(UNAME, names, 0, 0, 0);
	return is_same(names + SYSTEM_NAME, wanted);
}

static int holds(const char *fact)
{
	if (*fact == 'k')
		return is_kernel(fact + 1);
	if (*fact == 'n')
		return has_name(fact + 1);
	return *fact == 'a' ? is_absent(fact + 1) : *fact == 'f' && is_same_file(fact + 1);
}

static int answer(char *const facts[])
{
	while (*facts && holds(*facts))
		facts++;
	return !*facts;
}

#endif
