/* What the kernel says about itself, uname(2). */
#ifndef NSBOX_NATIVE_KERNEL_H
#define NSBOX_NATIVE_KERNEL_H

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

static int is_at_least(const char *release, const char *wanted)
{
	uint64_t major = number_at(&release), minor = number_at(&release), wanted_major = number_at(&wanted);
	return major > wanted_major || (major == wanted_major && minor >= number_at(&wanted));
}

enum { SYSTEM_NAME = 65, SYSTEM_RELEASE = 2 * SYSTEM_NAME, SYSTEM_LENGTH = 6 * SYSTEM_NAME }; /* struct utsname */

/* Whether the kernel is at least WANTED, such as 6.6. */
static int is_kernel(const char *wanted)
{
	char names[SYSTEM_LENGTH];
	call4(UNAME, names, 0, 0, 0);
	return is_at_least(names + SYSTEM_RELEASE, wanted);
}

#endif
