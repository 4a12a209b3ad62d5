/* Limits of the caller that are too low for the runtime, which needs room for its threads and its heap. */
#ifndef NSBOX_NATIVE_LIMITS_H
#define NSBOX_NATIVE_LIMITS_H

#include "machine.h"

enum { LIMITS = 3, STDERR = 2, FAILED = 125 };

__asm__(
	"stack_too_small: .asciz \"nsbox: start: the limit on the stack is too small for nsbox itself\\nhint: raise it (ulimit -s); for the box alone: --ulimit stack=BYTES\\n\"\n"
	"data_too_small: .asciz \"nsbox: start: the limit on data is too small for nsbox itself\\nhint: raise it (ulimit -d); for the box alone: --ulimit data=BYTES\\n\"\n"
	"space_too_small: .asciz \"nsbox: start: the limit on address space is too small for nsbox itself\\nhint: raise it (ulimit -v); for the box alone: --ulimit as=BYTES\\n\"\n");

/* A limit that the runtime needs: the least that it can run with, and a value that is more than enough. */
struct limit {
	int resource;
	uint64_t least, enough;
	const char *message;
};

static struct limit limit_at(int n)
{
	enum { DATA = 2, STACK_SIZE = 3, ADDRESS_SPACE = 9 };
	if (n == 0)
		return (struct limit){STACK_SIZE, 192 << 10, 1 << 20, ADDRESS_OF("stack_too_small")};
	if (n == 1)
		return (struct limit){DATA, 288 << 20, 1 << 30, ADDRESS_OF("data_too_small")};
	return (struct limit){ADDRESS_SPACE, 400 << 20, (uint64_t)2 << 30, ADDRESS_OF("space_too_small")};
}

static _Noreturn void refuse(const char *message)
{
	long length = 0;
	while (message[length])
		length++;
	call4(WRITE, STDERR, message, length, 0);
	for (;;)
		call4(EXIT, FAILED, 0, 0, 0);
}

/* Whether the runtime can run with the caller's limits as they are. */
static int has_room(void)
{
	uint64_t now[2];
	for (int n = 0; n < LIMITS; n++)
		if (call4(PRLIMIT, 0, limit_at(n).resource, 0, now) < 0 || now[0] < limit_at(n).least)
			return 0;
	return 1;
}

/* Raises limits up to the hard limit, or beyond it if we may. */
static void raise_limits(void)
{
	for (int n = 0; n < LIMITS; n++) {
		struct limit limit = limit_at(n);
		uint64_t now[2], more[2];
		call4(PRLIMIT, 0, limit.resource, 0, now);
		if (now[0] >= limit.least)
			continue;
		more[0] = now[1] < limit.enough ? now[1] : limit.enough;
		more[1] = now[1];
		if (more[0] < limit.least)
			more[0] = more[1] = limit.enough;
		if (call4(PRLIMIT, 0, limit.resource, more, 0) < 0)
			refuse(limit.message);
	}
}

#endif
