/* The code's only link to the program that it is put into: addresses in it. */
#ifndef NSBOX_NATIVE_TABLE_H
#define NSBOX_NATIVE_TABLE_H

#include "machine.h"

/*
 * src/launch/native/entry.ts fills the table with the distances from the table to these addresses, in the order of its
 * own list. Behind it stands what identifies the program, for records of other builds are of no use.
 */
enum {
	RUNTIME_ENTRY = 0,
	ENVIRON,
	EXECVE_SLOT,
	ERRNO_SLOT,
	SIDECAR,
	SIDECAR_END,
	HIDE, /* the parts, in the order of `parts` of box_file.h: a program, and its end */
	HIDE_END,
	NET,
	NET_END,
	STACK_SLOT,
	INIT_SLOT,
	SET_STACK_SLOT,
	PROGRAM_HEADERS,
	LOADER, /* its name, behind the program headers */
	TABLE_LENGTH
};
__asm__(".balign 8\n"
		"table: .quad 0x6e73626f78212121, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0\n"
		"program_id: .quad 0, 0, 0, 0\n");
_Static_assert(TABLE_LENGTH == 15, "the words of the table");

/* The address of a word of the list above. */
static inline void *address_of(int which)
{
	intptr_t *table = ADDRESS_OF("table");
	return (char *)table + table[which];
}

/*
 * Calls CODE, a function of the C library that SLOT of the program leads to. Before the program's own first call of it,
 * the slot leads to code that looks the function up, and that finds the slot by x16 on arm64.
 */
static inline long call_through(void *slot, void *code, long a, long b, long c)
{
#if defined(__aarch64__)
	register void *x16 __asm__("x16") = slot;
	register void *x17 __asm__("x17") = code;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	__asm__ volatile("blr x17"
					 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16), "+r"(x17)
					 :
					 : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x18", "x30",
					 "cc", "memory");
	return x0;
#else
	(void)slot;
	return ((long (*)(long, long, long))code)(a, b, c);
#endif
}
#define call_slot(which, a, b, c) \
	call_through(address_of(which), *(void **)address_of(which), (long)(a), (long)(b), (long)(c))

#endif
