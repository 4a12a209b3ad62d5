/*
 * The native part of dist/nsbox. src/launch/native/entry.ts puts it into the executable: code without relocations and
 * without data of its own.
 *
 * Before the runtime starts, `look` notes what the runtime changes and the command must get unchanged: the limit on
 * open files, whose soft limit it raises to the hard one, two signals that it ignores, and the blocked signals, which
 * process.execve unblocks. `look` stores them behind a new environment for the runtime. That one lacks the BUN_*
 * variables, which a caller may have set for other programs, and which would make this program run as Bun (BUN_BE_BUN)
 * or load files first (BUN_OPTIONS). It turns the JIT compiler off, which doesn't pay in a program of a few
 * milliseconds. `look` also finds the stack, for which the C library would read /proc/self/maps twice.
 *
 * `look` raises limits that are too low for the runtime, or prints a message and ends if it may not.
 *
 * Where the plan of this start is remembered (remember.h), `look` starts the box, and the runtime never runs.
 *
 * When the front end has its plan and calls process.execve, `become` takes the place of execve(3): it restores all
 * that, passes on the environment byte by byte and the descriptors that the runtime would close, and makes the sealed
 * file of sidecar and plan. So JavaScript needs neither node:fs nor bun:ffi, which take a start 1 ms and 4 ms to load.
 *
 * For the same reason `become` answers whether facts about the machine hold (src/host/facts.ts).
 */
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
	STACK_SLOT,
	INIT_SLOT,
	SET_STACK_SLOT,
	TABLE_LENGTH
};
#define TABLE ".balign 8\ntable: .quad 0x6e73626f78212121, 0, 0, 0, 0, 0, 0, 0, 0\nprogram_id: .quad 0, 0, 0, 0\n"
_Static_assert(TABLE_LENGTH == 9, "the words of the table");

/* At the entry of an ELF program the stack pointer and one more register are in use. Both are passed on unchanged. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n"
		"push %rdx\n push %rdx\n call look\n pop %rdx\n pop %rdx\n"
		"lea table(%rip), %rax\n add (%rax), %rax\n jmp *%rax\n" TABLE);
#else
__asm__(".globl _start\n_start:\n"
		"stp x0, x30, [sp, #-16]!\n bl look\n ldp x0, x30, [sp], #16\n"
		"adr x16, table\n ldr x17, [x16]\n add x16, x16, x17\n br x16\n" TABLE);
#endif

/* Behind the entry, which has to come first. */
#include "box_file.h"
#include "facts.h"
#include "remember.h"

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

__asm__(
	"no_jit: .asciz \"BUN_JSC_useJIT=0\"\n"
	"no_warnings: .asciz \"NODE_NO_WARNINGS=1\"\n"
	"stack_too_small: .asciz \"nsbox: start: the limit on the stack is too small for nsbox itself\\nhint: raise it (ulimit -s); for the box alone: --ulimit stack=BYTES\\n\"\n"
	"data_too_small: .asciz \"nsbox: start: the limit on data is too small for nsbox itself\\nhint: raise it (ulimit -d); for the box alone: --ulimit data=BYTES\\n\"\n"
	"space_too_small: .asciz \"nsbox: start: the limit on address space is too small for nsbox itself\\nhint: raise it (ulimit -v); for the box alone: --ulimit as=BYTES\\n\"\n");

/* The address of a word of the list above. */
static inline void *address_of(int which)
{
	intptr_t *table = ADDRESS_OF("table");
	return (char *)table + table[which];
}

/*
 * --- Before the runtime
 * -----------------------------------------------------------------------------------------------
 */

enum { LIMITS = 3, STDERR = 2, FAILED = 125 };
enum { OPEN_FILES = 7, BROKEN_PIPE = 13, FILE_TOO_LARGE = 25, SET_BYTES = 8, SET_MASK = 2 };

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

static uint64_t action_of(int signal)
{
	/* The kernel's struct sigaction starts with the handler. */
	uint64_t action[4];
	call4(SIGACTION, signal, 0, action, SET_BYTES);
	return action[0];
}

/* Reading four bytes is safe for a shorter variable too: the name of the program stands behind all variables. */
static int is_for_runtime(const char *variable)
{
	uint32_t start;
	__builtin_memcpy(&start, variable, sizeof start);
	return start == 0x5f4e5542; /* BUN_ */
}

/* The NULL behind its last string. */
static char **end_of(char **list)
{
	while (*list)
		list++;
	return list;
}

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

/* Copies the environment for the runtime. If mmap fails we crash here, as the runtime would without memory. */
static struct inherited *give_environment(void)
{
	enum { READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22 };
	char ***variables = address_of(ENVIRON);
	char **old = *variables;
	long count = end_of(old) - old;
	char **new = (char **)call6(MMAP, 0, (count + 3) * (long)sizeof *new + (long)sizeof(struct inherited), READ_WRITE,
		PRIVATE_ANONYMOUS, -1, 0);
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

/*
 * --- In place of pthread_getattr_np(3)
 * --------------------------------------------------------------------------------
 */

/* `environ` still points to our copy, since no code in this program changes the environment. */
static struct inherited *find_inherited(void)
{
	return (struct inherited *)(end_of(*(char ***)address_of(ENVIRON)) + 1);
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

/*
 * --- In place of execve(3)
 * --------------------------------------------------------------------------------------------
 */

/* Handlers don't survive execve, so only "ignore" and "default" have to be restored. */
static void put_back(const struct inherited *inherited)
{
	uint64_t action[4] = {0};
	action[0] = inherited->broken_pipe;
	call4(SIGACTION, BROKEN_PIPE, action, 0, SET_BYTES);
	action[0] = inherited->file_too_large;
	call4(SIGACTION, FILE_TOO_LARGE, action, 0, SET_BYTES);
	call4(PRLIMIT, 0, OPEN_FILES, inherited->open_files, 0);
	for (int n = 0; n < LIMITS; n++)
		call4(PRLIMIT, 0, limit_at(n).resource, inherited->limits[n], 0);
	call4(SIGPROCMASK, SET_MASK, &inherited->blocked, 0, SET_BYTES);
}

/* RECORD is what start_remember takes. */
static void remember(const struct inherited *inherited, char *const record[])
{
	struct start start;
	if (start_note(&start, inherited->environment, ADDRESS_OF("program_id")))
		start_remember(&start, record);
}

/*
 * PATH is a file to execute with ARGV; or "nsbox", for the sidecar with the plan in ARGV, behind which a record may
 * stand; or "?", which asks whether all facts in ARGV hold. The answer is one of two errors that execve(2) doesn't
 * have, so that the front end also knows that it calls this function. KEPT has the descriptors that stay open, each as
 * the variable "N=".
 */
__attribute__((used)) static int become(const char *path, char *const argv[], char *const kept[])
{
	enum { SET_DESCRIPTOR_FLAGS = 2, YES = -33 /* EDOM */, NO = -34 /* ERANGE */ };
	char *alone[2] = {ADDRESS_OF("nsbox"), 0};
	struct inherited *inherited = find_inherited();
	if (path[0] == 'n' && argv[1])
		remember(inherited, argv + 1);
	/* Done while SIGXFSZ is still ignored, so that a low RLIMIT_FSIZE is an error and not our death. */
	long named = path[0] == '/', file = 0;
	if (path[0] == '?')
		file = answer(argv) ? YES : NO;
	else if (!named)
		file = file_with(address_of(SIDECAR), address_of(SIDECAR_END), argv[0]);
	for (; file >= 0 && *kept; kept++) {
		const char *at = *kept;
		uint64_t descriptor = number_at(&at);
		if (path[0] != 'n' || descriptor >= 64 || !(inherited->closed >> descriptor & 1))
			call4(FCNTL, descriptor, SET_DESCRIPTOR_FLAGS, 0, 0);
	}
	if (file >= 0) {
		put_back(inherited);
		file = named ? call4(EXECVE, path, argv, inherited->environment, 0)
					 : execute_file(file, alone, inherited->environment);
		raise_limits();
	}
	*(int *)call_slot(ERRNO_SLOT, 0, 0, 0) = (int)-file;
	return -1;
}

/*
 * --- A remembered plan
 * ------------------------------------------------------------------------------------------------
 */

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
static void start_remembered(const struct inherited *inherited)
{
	struct start start;
	const char *message;
	uint64_t ignore[4] = {1};
	char *alone[2] = {ADDRESS_OF("nsbox"), 0};
	if (!has_streams() || !start_note(&start, inherited->environment, ADDRESS_OF("program_id")))
		return;
	const char *plan = start_find(&start, &message);
	if (!plan)
		return;
	/* As in the runtime: a low RLIMIT_FSIZE is then an error and not our death. */
	call4(SIGACTION, FILE_TOO_LARGE, ignore, 0, SET_BYTES);
	long file = file_with(address_of(SIDECAR), address_of(SIDECAR_END), plan);
	put_back(inherited);
	if (file >= 0) {
		if (message)
			write_all(STDERR, message, (long)length_of(message));
		execute_file(file, alone, inherited->environment);
		call4(CLOSE, file, 0, 0, 0);
	}
	raise_limits();
}

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
	start_remembered(inherited);
	inherited->closed = closed_descriptors();
	*(void **)address_of(EXECVE_SLOT) = ADDRESS_OF("become");
	find_stack(inherited);
	inherited->stack_of = *(void **)address_of(STACK_SLOT);
	*(void **)address_of(STACK_SLOT) = ADDRESS_OF("stack_of");
}
