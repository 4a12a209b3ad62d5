/*
 * Runs before the JavaScript runtime of dist/nsbox, which raises the soft limit on open files and ignores two signals: what
 * they were is lost then, and the command in the box is to find them so. They are left in the name of the process
 * (PR_SET_NAME) for src/host/inherited.ts: "nsbox", a digit (1: SIGPIPE is ignored, 2: SIGXFSZ, 3: both), and the limit in
 * hexadecimal, or "-" if it is as high as it can be.
 *
 * scripts/entry.ts puts this into the executable, as code that needs no relocation and no data. An ELF program is entered
 * with the stack pointer and one more register in use; both are given on as they came.
 */
#include <stdint.h>


#if defined(__x86_64__)
enum { PRCTL = 157, PRLIMIT = 302, SIGACTION = 13 };
__asm__(".globl _start\n_start:\n"
	"push %rdx\n push %rdx\n call look\n pop %rdx\n pop %rdx\n"
	"lea original(%rip), %rax\n add (%rax), %rax\n jmp *%rax\n"
	/* From this place to the entry of the runtime; filled in by scripts/entry.ts. */
	".balign 8\noriginal: .quad 0x6e73626f78212121\n");
static inline long call4(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum { PRCTL = 167, PRLIMIT = 261, SIGACTION = 134 };
__asm__(".globl _start\n_start:\n"
	"stp x0, x30, [sp, #-16]!\n bl look\n ldp x0, x30, [sp], #16\n"
	"adr x16, original\n ldr x17, [x16]\n add x16, x16, x17\n br x16\n"
	".balign 8\noriginal: .quad 0x6e73626f78212121\n");
static inline long call4(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#else
#error "no entry for this machine"
#endif

enum { SET_NAME = 15, OPEN_FILES = 7, BROKEN_PIPE = 13, FILE_TOO_LARGE = 25, SET_BYTES = 8 };

static int is_ignored(int signal)
{
	/* struct sigaction of the kernel: the handler comes first. */
	uintptr_t action[4] = {0};
	call4(SIGACTION, signal, 0, (long)action, SET_BYTES);
	return action[0] == 1;
}

__attribute__((used)) static void look(void)
{
	uint64_t limit[2] = {0, 0};
	char name[16];
	int at = 0;
	call4(PRLIMIT, 0, OPEN_FILES, 0, (long)limit);
	name[at++] = 'n';
	name[at++] = 's';
	name[at++] = 'b';
	name[at++] = 'o';
	name[at++] = 'x';
	name[at++] = (char)('0' + is_ignored(BROKEN_PIPE) + 2 * is_ignored(FILE_TOO_LARGE));
	if (limit[0] >= limit[1] || limit[0] >> 32) {
		name[at++] = '-';
	} else {
		for (int shift = 28; shift >= 0; shift -= 4) {
			int digit = (int)(limit[0] >> shift & 15);
			name[at++] = (char)(digit < 10 ? '0' + digit : 'a' - 10 + digit);
		}
	}
	name[at] = '\0';
	call4(PRCTL, SET_NAME, (long)name, 0, 0);
}
