/*
 * What code without a C library needs of the machine: system calls by their numbers, and the addresses of its own
 * texts. DIRECTORY_ONLY and NO_LINK are flags of openat(2), O_DIRECTORY and O_NOFOLLOW, which differ between machines.
 */
#ifndef NSBOX_NATIVE_MACHINE_H
#define NSBOX_NATIVE_MACHINE_H

#include <stdint.h>

#if defined(__x86_64__)
enum {
	READ = 0,
	WRITE = 1,
	CLOSE = 3,
	MMAP = 9,
	SIGACTION = 13,
	SIGPROCMASK = 14,
	IOCTL = 16,
	EXECVE = 59,
	EXIT = 60,
	UNAME = 63,
	GETPID = 39,
	FCNTL = 72,
	GETCWD = 79,
	GETDENTS = 217,
	OPENAT = 257,
	MKDIRAT = 258,
	UNLINKAT = 263,
	RENAMEAT = 264,
	READLINKAT = 267,
	PPOLL = 271,
	PRLIMIT = 302,
	MEMFD_CREATE = 319,
	EXECVEAT = 322,
	STATX = 332,
};
enum { DIRECTORY_ONLY = 0x10000, NO_LINK = 0x20000 };
#define ADDRESS_OF(symbol) \
	({ \
		void *address; \
		__asm__("lea " symbol "(%%rip), %0" : "=r"(address)); \
		address; \
	})
static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall"
					 : "=a"(result)
					 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
					 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum {
	GETCWD = 17,
	FCNTL = 25,
	IOCTL = 29,
	MKDIRAT = 34,
	UNLINKAT = 35,
	RENAMEAT = 38,
	OPENAT = 56,
	CLOSE = 57,
	GETDENTS = 61,
	READ = 63,
	WRITE = 64,
	PPOLL = 73,
	READLINKAT = 78,
	EXIT = 93,
	SIGACTION = 134,
	SIGPROCMASK = 135,
	UNAME = 160,
	GETPID = 172,
	EXECVE = 221,
	MMAP = 222,
	PRLIMIT = 261,
	MEMFD_CREATE = 279,
	EXECVEAT = 281,
	STATX = 291,
};
enum { DIRECTORY_ONLY = 0x4000, NO_LINK = 0x8000 };
#define ADDRESS_OF(symbol) \
	({ \
		void *address; \
		__asm__("adr %0, " symbol : "=r"(address)); \
		address; \
	})
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

#ifdef __clang_analyzer__
/* It takes for unwritten what only the kernel writes. */
long call_unknown(long number, long a, long b, long c, long d, long e, long f);
#define call6 call_unknown
#endif
#define call4(number, a, b, c, d) call6(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Memory of SIZE bytes, all 0, or NULL. */
static inline void *new_memory(uint64_t size)
{
	enum { READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22, ERRORS = -4096 };
	long memory = call6(MMAP, 0, (long)size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
	return memory < 0 && memory > ERRORS ? 0 : (void *)memory;
}

/* Writes all LENGTH bytes. Returns 0, or the error as a negative number. */
static inline long write_all(long file, const char *bytes, long length)
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

#endif
