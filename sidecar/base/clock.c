#include "base/clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t start;

/*
 * A system call, not the vdso: the first use of the vdso costs two page faults, and a box that nobody signals reads the
 * clock twice.
 */
int64_t clock_now(void)
{
	struct timespec time;
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000;
}

void clock_start(void) { start = clock_now(); }
int64_t clock_elapsed(void) { return clock_now() - start; }
void clock_sleep(int microseconds) { nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000L}, NULL); }
