/*
 * The part of dist/nsbox that is no JavaScript. scripts/entry.ts puts it into the executable, as code that needs no
 * relocation and no data of its own.
 *
 * Before the runtime starts, `look` notes what that changes and the command is to find as it was: the soft limit on open
 * files, which goes up to the hard one, and two signals that it ignores. They are kept in the name of the process
 * (PR_SET_NAME): "nsbox", a digit (1: SIGPIPE was ignored, 2: SIGXFSZ, 3: both), and the limit in hexadecimal, or "-" if it
 * was as high as it can be. process.execve also unblocks all signals: those that were blocked are kept behind the
 * environment. That is one of the runtime's own: without the variables that the caller may have set for programs of his,
 * and that would have this one run as Bun (BUN_BE_BUN), or load files first (BUN_OPTIONS). And `look` tells the runtime to
 * compile nothing to machine code, which a program of a few milliseconds only pays for.
 *
 * When the front end has its plan and calls process.execve, `become` takes the place of execve(3): it puts all that back,
 * gives on the environment byte by byte and the descriptors that the runtime would close, and makes the file to execute
 * where none is named. So JavaScript needs neither node:fs nor bun:ffi, which take a start 1 ms and 4 ms to load.
 */
#include <stdint.h>

/* Filled in by scripts/entry.ts: how far it is from this table to what has the same place in its own list. */
enum { RUNTIME_ENTRY = 0, ENVIRON, EXECVE_SLOT, ERRNO_SLOT, SIDECAR, SIDECAR_END, TABLE_LENGTH };
#define TABLE ".balign 8\ntable: .quad 0x6e73626f78212121, 0, 0, 0, 0, 0\n"

/* An ELF program is entered with the stack pointer and one more register in use; both are given on as they came. */
#if defined(__x86_64__)
enum { WRITE = 1, MMAP = 9, SIGACTION = 13, SIGPROCMASK = 14, FCNTL = 72, PRCTL = 157, PRLIMIT = 302, MEMFD_CREATE = 319, EXECVEAT = 322 };
__asm__(".globl _start\n_start:\n"
	"push %rdx\n push %rdx\n call look\n pop %rdx\n pop %rdx\n"
	"lea table(%rip), %rax\n add (%rax), %rax\n jmp *%rax\n"
	TABLE);
#define ADDRESS_OF(symbol) ({ void *address; __asm__("lea " symbol "(%%rip), %0" : "=r"(address)); address; })
static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum { FCNTL = 25, WRITE = 64, SIGACTION = 134, SIGPROCMASK = 135, PRCTL = 167, MMAP = 222, PRLIMIT = 261, MEMFD_CREATE = 279, EXECVEAT = 281 };
__asm__(".globl _start\n_start:\n"
	"stp x0, x30, [sp, #-16]!\n bl look\n ldp x0, x30, [sp], #16\n"
	"adr x16, table\n ldr x17, [x16]\n add x16, x16, x17\n br x16\n"
	TABLE);
#define ADDRESS_OF(symbol) ({ void *address; __asm__("adr %0, " symbol : "=r"(address)); address; })
static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
#else
#error "no entry for this machine"
#endif
#define call4(number, a, b, c, d) call6(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

__asm__("no_jit: .asciz \"BUN_JSC_useJIT=0\"\n"
	"nsbox: .asciz \"nsbox\"\n"
	"magic: .ascii \"NSBOXPLN\"\n");

static inline void *place(int which)
{
	intptr_t *table = ADDRESS_OF("table");
	return (char *)table + table[which];
}

/* --- Before the runtime ----------------------------------------------------------------------------------------------- */

enum { SET_NAME = 15, GET_NAME = 16, NAME_SIZE = 16, OPEN_FILES = 7, BROKEN_PIPE = 13, FILE_TOO_LARGE = 25, SET_BYTES = 8, SET_MASK = 2 };
enum { PIPE_DIGIT = 5, LIMIT_DIGITS = 6, HEX_DIGITS = 8 };

static int is_ignored(int signal)
{
	/* struct sigaction of the kernel: the handler comes first. */
	uintptr_t action[4] = {0};
	call4(SIGACTION, signal, 0, action, SET_BYTES);
	return action[0] == 1;
}

static void note_inherited(void)
{
	uint64_t limit[2] = {0, 0};
	char name[NAME_SIZE];
	const char *nsbox = ADDRESS_OF("nsbox");
	int at = 0;
	call4(PRLIMIT, 0, OPEN_FILES, 0, limit);
	for (; at < PIPE_DIGIT; at++)
		name[at] = nsbox[at];
	name[at++] = (char)('0' + is_ignored(BROKEN_PIPE) + 2 * is_ignored(FILE_TOO_LARGE));
	if (limit[0] >= limit[1] || limit[0] >> 4 * HEX_DIGITS) {
		name[at++] = '-';
	} else {
		for (int shift = 4 * (HEX_DIGITS - 1); shift >= 0; shift -= 4) {
			int digit = (int)(limit[0] >> shift & 15);
			name[at++] = (char)(digit < 10 ? '0' + digit : 'a' - 10 + digit);
		}
	}
	name[at] = '\0';
	call4(PRCTL, SET_NAME, name, 0, 0);
}

/* A shorter one is no end of the memory: the name of the program stands behind all variables. */
static int is_for_runtime(const char *variable)
{
	uint32_t start;
	__builtin_memcpy(&start, variable, sizeof start);
	return start == 0x5f4e5542; /* BUN_ */
}

/*
 * Behind its end: the caller's own, which `become` gives on, and the blocked signals. Where there is no memory for it there
 * is none for the runtime either, and we end here.
 */
static void give_environment(void)
{
	enum { READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22 };
	char ***variables = place(ENVIRON);
	char **old = *variables;
	long count = 0;
	while (old[count])
		count++;
	char **new = (char **)call6(MMAP, 0, (count + 4) * (long)sizeof *new, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
	*variables = new;
	*new++ = ADDRESS_OF("no_jit");
	for (long i = 0; i < count; i++)
		if (!is_for_runtime(old[i]))
			*new++ = old[i];
	*new++ = 0;
	*new++ = (char *)old;
	call4(SIGPROCMASK, SET_MASK, 0, new, SET_BYTES);
}

__attribute__((used)) static void look(void)
{
	note_inherited();
	give_environment();
	*(void **)place(EXECVE_SLOT) = ADDRESS_OF("become");
}

/* --- In place of execve(3) -------------------------------------------------------------------------------------------- */

static void put_back(void)
{
	char name[NAME_SIZE];
	uint64_t limit[2];
	uintptr_t by_default[4] = {0};
	call4(PRCTL, GET_NAME, name, 0, 0);
	if (!((name[PIPE_DIGIT] - '0') & 1))
		call4(SIGACTION, BROKEN_PIPE, by_default, 0, SET_BYTES);
	if (!((name[PIPE_DIGIT] - '0') & 2))
		call4(SIGACTION, FILE_TOO_LARGE, by_default, 0, SET_BYTES);
	if (name[LIMIT_DIGITS] == '-')
		return;
	call4(PRLIMIT, 0, OPEN_FILES, 0, limit);
	limit[0] = 0;
	for (int at = LIMIT_DIGITS; at < LIMIT_DIGITS + HEX_DIGITS; at++)
		limit[0] = limit[0] << 4 | (uint64_t)(name[at] <= '9' ? name[at] - '0' : name[at] - 'a' + 10);
	call4(PRLIMIT, 0, OPEN_FILES, limit, 0);
}

static long write_all(long file, const char *bytes, long length)
{
	while (length > 0) {
		long written = call4(WRITE, file, bytes, length, 0);
		if (written < 0)
			return written;
		bytes += written;
		length -= written;
	}
	return 0;
}

/* A file in memory: the sidecar, the plan, its length, the magic word (sidecar/source.c). Nobody can change it any more. */
static long file_with(const char *plan)
{
	enum { CLOEXEC = 1, ALLOW_SEALING = 2, EXECUTABLE = 16, NOT_KNOWN = -22, ADD_SEALS = 1033, ALL_SEALS = 15 };
	const char *sidecar = place(SIDECAR);
	uint64_t end[2] = {0, *(uint64_t *)ADDRESS_OF("magic")};
	long failed;
	/* Where vm.memfd_noexec says so, a file is executable only if that is asked for. Kernels before 6.3 don't know the flag. */
	long file = call4(MEMFD_CREATE, ADDRESS_OF("nsbox"), CLOEXEC | ALLOW_SEALING | EXECUTABLE, 0, 0);
	if (file == NOT_KNOWN)
		file = call4(MEMFD_CREATE, ADDRESS_OF("nsbox"), CLOEXEC | ALLOW_SEALING, 0, 0);
	if (file < 0)
		return file;
	while (plan[end[0]])
		end[0]++;
	if ((failed = write_all(file, sidecar, (char *)place(SIDECAR_END) - sidecar)) < 0 || (failed = write_all(file, plan, (long)end[0])) < 0 ||
	    (failed = write_all(file, (char *)end, sizeof end)) < 0)
		return failed;
	call4(FCNTL, file, ADD_SEALS, ALL_SEALS, 0);
	return file;
}

/*
 * PATH: a file to execute with ARGV; or "nsbox", for the sidecar with the plan that ARGV holds. KEPT: the descriptors that
 * stay open, each as the variable "N=".
 */
__attribute__((used)) static int become(const char *path, char *const argv[], char *const kept[])
{
	enum { SET_DESCRIPTOR_FLAGS = 2, HERE = -100, EMPTY_PATH = 0x1000 };
	char *alone[2] = {ADDRESS_OF("nsbox"), 0};
	char **variables = *(char ***)place(ENVIRON);
	/* Before the signals are as they were: too large a file (RLIMIT_FSIZE) is to be an error. */
	long named = path[0] == '/', file = named ? 0 : file_with(argv[0]);
	put_back();
	for (; *kept; kept++) {
		long descriptor = 0;
		for (const char *at = *kept; *at >= '0' && *at <= '9'; at++)
			descriptor = 10 * descriptor + *at - '0';
		call4(FCNTL, descriptor, SET_DESCRIPTOR_FLAGS, 0, 0);
	}
	while (*variables)
		variables++;
	call4(SIGPROCMASK, SET_MASK, variables + 2, 0, SET_BYTES);
	variables = (char **)variables[1];
	if (file >= 0)
		file = call6(EXECVEAT, named ? HERE : file, (long)(named ? path : path + 5), (long)(named ? argv : alone), (long)variables, named ? 0 : EMPTY_PATH, 0);
	*(*(int *(**)(void))place(ERRNO_SLOT))() = (int)-file;
	return -1;
}
