/*
 * The native part of dist/nsbox. src/launch/native/entry.ts puts it into the executable: code without relocations and
 * without data of its own.
 *
 * The program starts here twice. First the kernel starts it, before there is a C library. Where the plan of this start
 * is remembered (remember.h), `begin` starts the box, and nothing else ever runs. Else `begin` loads the C library's
 * loader (loader.h), which starts the program for the second time.
 *
 * Then `look` notes what the runtime changes and the command must get unchanged: the limit on open files, whose soft
 * limit it raises to the hard one, two signals that it ignores, and the blocked signals, which process.execve unblocks.
 * `look` stores them behind a new environment for the runtime. That one lacks the BUN_* variables, which a caller may
 * have set for other programs, and which would make this program run as Bun (BUN_BE_BUN) or load files first
 * (BUN_OPTIONS). It turns the JIT compiler off, which doesn't pay in a program of a few milliseconds. `look` also finds
 * the stack (stack.h), and raises limits that are too low for the runtime, or prints a message and ends if it may not.
 *
 * When the front end has its plan and calls process.execve, `become` takes the place of execve(3): it restores all
 * that, passes on the environment byte by byte and the descriptors that the runtime would close, and makes the sealed
 * file of sidecar and plan. So JavaScript needs neither node:fs nor bun:ffi, which take a start 1 ms and 4 ms to load.
 *
 * For the same reason `become` answers whether facts about the machine hold (src/host/facts.ts).
 */

/*
 * At the entry of an ELF program, the stack pointer and one more register are in use. The register has the address of a
 * function that the C library's loader wants to be called at the end, or 0 where the kernel starts the program. Both
 * are passed on unchanged.
 */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n"
		"test %rdx, %rdx\n jnz loaded\n"
		"mov %rsp, %rdi\n call begin\n xor %edx, %edx\n jmp *%rax\n"
		"loaded: push %rdx\n push %rdx\n call look\n pop %rdx\n pop %rdx\n"
		"lea table(%rip), %rax\n add (%rax), %rax\n jmp *%rax\n");
#else
__asm__(".globl _start\n_start:\n"
		"cbnz x0, loaded\n"
		"mov x0, sp\n bl begin\n mov x16, x0\n mov x0, #0\n br x16\n"
		"loaded: stp x0, x30, [sp, #-16]!\n bl look\n ldp x0, x30, [sp], #16\n"
		"adr x16, table\n ldr x17, [x16]\n add x16, x16, x17\n br x16\n");
#endif

/* Behind the entry, which has to come first. */
#include "become.h"
#include "loader.h"
#include "stack.h"

/* --- Before the C library ---------------------------------------------------------------------------------------- */

/* The runtime opens 0, 1 and 2 where they are closed. */
static int has_streams(void)
{
	enum { GET_DESCRIPTOR_FLAGS = 1 };
	for (int descriptor = 0; descriptor <= STDERR; descriptor++)
		if (call4(FCNTL, descriptor, GET_DESCRIPTOR_FLAGS, 0, 0) < 0)
			return 0;
	return 1;
}

/* Becomes the box by a remembered plan. Returns where there is none, or where it can't be executed. */
static void start_remembered(char **variables)
{
	struct start start;
	uint64_t ignore[4] = {1}, before[4];
	char *alone[2] = {ADDRESS_OF("nsbox"), 0};
	/* Whatever the runtime would mend or refuse, it does. */
	if (!has_streams() || !has_room() || !start_note(&start, variables, ADDRESS_OF("program_id")))
		return;
	const char *plan = start_find(&start);
	if (!plan)
		return;
	/* As in the runtime: a low RLIMIT_FSIZE is then an error and not our death. */
	call4(SIGACTION, FILE_TOO_LARGE, ignore, before, SET_BYTES);
	long file = file_with(start.with_parts, plan);
	call4(SIGACTION, FILE_TOO_LARGE, before, 0, SET_BYTES);
	if (file < 0)
		return;
	if (start.message)
		write_all(STDERR, start.message, (long)length_of(start.message));
	execute_file(file, alone, variables);
	call4(CLOSE, file, 0, 0, 0);
}

/* STACK: as the kernel left it, the number of words, words, variables, and what the kernel says about the program.
 * Returns where the program goes on: the entry point of the C library's loader. */
__attribute__((used)) static uintptr_t begin(uintptr_t *stack)
{
	char **variables = (char **)(stack + 1 + stack[0] + 1);
	start_remembered(variables);
	return load_loader((struct auxiliary *)(end_of(variables) + 1));
}

/* --- Before the runtime ------------------------------------------------------------------------------------------ */

__attribute__((used)) static void look(void)
{
	struct inherited *inherited = give_environment();
	call4(SIGPROCMASK, SET_MASK, 0, &inherited->blocked, SET_BYTES);
	call4(PRLIMIT, 0, OPEN_FILES, 0, inherited->open_files);
	for (int n = 0; n < LIMITS; n++)
		call4(PRLIMIT, 0, limit_at(n).resource, 0, inherited->limits[n]);
	raise_limits();
	inherited->broken_pipe = action_of(BROKEN_PIPE);
	inherited->file_too_large = action_of(FILE_TOO_LARGE);
	inherited->closed = closed_descriptors();
	*(void **)address_of(EXECVE_SLOT) = ADDRESS_OF("become");
	find_stack(inherited);
	inherited->stack_of = *(void **)address_of(STACK_SLOT);
	*(void **)address_of(STACK_SLOT) = ADDRESS_OF("stack_of");
}
