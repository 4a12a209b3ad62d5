/* In place of pthread_getattr_np(3), for which the C library would read /proc/self/maps twice. */
#ifndef NSBOX_NATIVE_STACK_H
#define NSBOX_NATIVE_STACK_H

#include "inherited.h"

/*
 * Finds the first thread's stack. The kernel puts the name of the program at its end, below one word that is 0, and it
 * may grow to its limit. Without a limit, or with one that may reach down to other memory, the C library has to find
 * it.
 */
static void find_stack(struct inherited *inherited)
{
	enum { STACK = 3, PROGRAM_NAME = 31, PAGE = 4096, LARGEST = 64 << 20 };
	uint64_t limit[2];
	const uintptr_t *word = (const uintptr_t *)(end_of(inherited->environment) + 1);
	while (word[0] && word[0] != PROGRAM_NAME)
		word += 2;
	const char *name = (const char *)word[1];
	call4(PRLIMIT, 0, STACK, 0, limit);
	if (!word[0] || limit[0] > LARGEST)
		return;
	while (*name)
		name++;
	inherited->stack_end = ((uintptr_t)name + PAGE) & -(uintptr_t)PAGE;
	inherited->stack_size = limit[0] & -(uintptr_t)PAGE;
}

/* The first caller is the first thread, which asks about itself. */
__attribute__((used)) static int stack_of(uintptr_t thread, void *attributes)
{
	struct inherited *inherited = find_inherited();
	if (!inherited->first_thread)
		inherited->first_thread = thread;
	if (inherited->first_thread != thread || !inherited->stack_size)
		return (int)call_through(address_of(STACK_SLOT), inherited->stack_of, (long)thread, (long)attributes, 0);
	call_slot(INIT_SLOT, attributes, 0, 0);
	return (int)call_slot(
		SET_STACK_SLOT, attributes, inherited->stack_end - inherited->stack_size, inherited->stack_size);
}

#endif
