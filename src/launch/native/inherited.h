/* What the runtime changes, and the command must get as the caller had it. */
#ifndef NSBOX_NATIVE_INHERITED_H
#define NSBOX_NATIVE_INHERITED_H

#include "limits.h"
#include "table.h"

enum { OPEN_FILES = 7, BROKEN_PIPE = 13, FILE_TOO_LARGE = 25, SET_BYTES = 8, SET_MASK = 2 };

__asm__("no_jit: .asciz \"BUN_JSC_useJIT=0\"\n"
		"no_warnings: .asciz \"NODE_NO_WARNINGS=1\"\n"
		"no_memory: .asciz \"nsbox: start: memory for nsbox itself: Cannot allocate memory (ENOMEM)\\n\"\n");

/* Stands behind the environment that the runtime gets. */
struct inherited {
	char **environment;
	uint64_t blocked;
	uint64_t open_files[2]; /* struct rlimit64 */
	uint64_t limits[LIMITS][2]; /* those of `limit_at` */
	uint64_t broken_pipe, file_too_large; /* actions of the signals: 0 is the default, 1 ignores it */
	uint64_t closed; /* the descriptors below 64 that aren't open */
	void *stack_of; /* the C library's pthread_getattr_np */
	uintptr_t stack_end, stack_size, first_thread;
};

/* The NULL behind its last string. */
static char **end_of(char **list)
{
	while (*list)
		list++;
	return list;
}

/* Reading four bytes is safe for a shorter variable too: the name of the program stands behind all variables. */
static int is_for_runtime(const char *variable)
{
	uint32_t start;
	__builtin_memcpy(&start, variable, sizeof start);
	return start == 0x5f4e5542; /* BUN_ */
}

/* Copies the environment for the runtime. */
static struct inherited *give_environment(void)
{
	char ***variables = address_of(ENVIRON);
	char **old = *variables;
	long count = end_of(old) - old;
	char **new = new_memory((uint64_t)(count + 3) * sizeof *new + sizeof(struct inherited));
	if (!new)
		refuse(ADDRESS_OF("no_memory"));
	*variables = new;
	*new ++ = ADDRESS_OF("no_jit");
	/* That process.execve is experimental is nothing for our users. */
	*new ++ = ADDRESS_OF("no_warnings");
	for (long i = 0; i < count; i++)
		if (!is_for_runtime(old[i]))
			*new ++ = old[i];
	struct inherited *inherited = (struct inherited *)(new + 1);
	inherited->environment = old;
	return inherited;
}

/* `environ` still points to our copy, since no code in this program changes the environment. */
static struct inherited *find_inherited(void)
{
	return (struct inherited *)(end_of(*(char ***)address_of(ENVIRON)) + 1);
}

static uint64_t action_of(int signal)
{
	/* The kernel's struct sigaction starts with the handler. */
	uint64_t action[4];
	call4(SIGACTION, signal, 0, action, SET_BYTES);
	return action[0];
}

/* Without that, a file of the runtime's own could be taken for the caller's of the same number. */
static uint64_t closed_descriptors(void)
{
	enum { COUNT = 64, NOT_OPEN = 0x20 /* POLLNVAL */ };
	struct {
		int descriptor;
		int16_t wanted, found;
	} polled[COUNT];
	const uint64_t at_once[2] = {0, 0};
	uint64_t closed = 0;
	for (int i = 0; i < COUNT; i++)
		polled[i].descriptor = i, polled[i].wanted = polled[i].found = 0;
	call6(PPOLL, (long)polled, COUNT, (long)at_once, 0, 0, 0);
	for (int i = 0; i < COUNT; i++)
		if (polled[i].found & NOT_OPEN)
			closed |= (uint64_t)1 << i;
	return closed;
}

#endif
