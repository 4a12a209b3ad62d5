/*
 * Tries every system call from 0 to N with arguments that no call can use: `calls N E` prints the numbers that return
 * errno E. `calls N E x32` uses the numbers of that ABI, and `calls N E i386` those of i386, through int 0x80. `calls N
 * i386` prints the numbers of the calls that did not end the process by SIGSYS, each with the signal that ended it, or
 * 0.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { X32_BIT = 0x40000000 };

/* These would fork us, or take long, whatever the arguments: fork, sync, sigsuspend and vfork of i386. */
static int is_left_out(long number, int i386)
{
	if (i386)
		return number == 2 || number == 36 || number == 72 || number == 190;
	return number == SYS_vfork || number == SYS_fork || number == SYS_sync;
}

static int status_of(void (*call)(long, int), long number, int wanted)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		alarm(2);
		call(number, wanted);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

static void try(long number, int wanted)
{
	errno = 0;
	long result = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
	_exit(result == -1 && errno == wanted ? 99 : 0);
}

static void try_i386(long number, int wanted)
{
	long result = 0;
#if defined(__x86_64__)
	__asm__ volatile("int $0x80"
					 : "=a"(result)
					 : "a"(number), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
					 : "memory", "r8", "r9", "r10", "r11");
#else
	(void)number;
#endif
	_exit(wanted != 0 && (int)result == -wanted ? 99 : 0);
}

int main(int argc, char **argv)
{
	const char *abi = argc == 4 ? argv[3] : argc == 3 ? argv[2] : "";
	int i386 = strcmp(abi, "i386") == 0, x32 = strcmp(abi, "x32") == 0, signals = i386 && argc == 3;
	if (argc != 3 && !i386 && !x32)
		return 2;
	for (long number = 0; number <= atol(argv[1]); number++) {
		if (signals) {
			int status = status_of(try_i386, number, 0);
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				printf("%ld %d\n", number, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		} else if (!is_left_out(number, i386)) {
			int status = status_of(i386 ? try_i386 : try, x32 ? number | X32_BIT : number, atoi(argv[2]));
			if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
				printf("%ld\n", number);
		}
	}
	return 0;
}
