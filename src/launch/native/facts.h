/* Facts about the machine, by which the front end knows what it has noted of images (src/host/facts.ts). */
#ifndef NSBOX_NATIVE_FACTS_H
#define NSBOX_NATIVE_FACTS_H

#include "file.h"
#include "text.h"

/* The decimal number at *AT, which is moved behind it and the separator that follows. */
static uint64_t number_at(const char **at)
{
	uint64_t number = 0;
	while (**at >= '0' && **at <= '9')
		number = 10 * number + (uint64_t)(*(*at)++ - '0');
	if (**at)
		++*at;
	return number;
}

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

static int is_at_least(const char *release, const char *wanted)
{
	uint64_t major = number_at(&release), minor = number_at(&release), wanted_major = number_at(&wanted);
	return major > wanted_major || (major == wanted_major && minor >= number_at(&wanted));
}

static int holds(const char *fact)
{
	enum { NAME = 65, RELEASE = 2 * NAME, LENGTH = 6 * NAME }; /* struct utsname */
	char names[LENGTH];
	call4(UNAME, names, 0, 0, 0);
	if (*fact == 'k')
		return is_at_least(names + RELEASE, fact + 1);
	if (*fact == 'n')
		return is_same(names + NAME, fact + 1);
	return *fact == 'a' ? is_absent(fact + 1) : *fact == 'f' && is_same_file(fact + 1);
}

static int answer(char *const facts[])
{
	while (*facts && holds(*facts))
		facts++;
	return !*facts;
}

#endif
