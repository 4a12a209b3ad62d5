#include "base/runtime_memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>

static bool is_there(void) { return waitpid(-1, NULL, __WCLONE | WNOHANG) == 0; }

void runtime_memory_look(void)
{
	int number = errno;
	is_there();
	errno = number;
}

void runtime_memory_wait(void)
{
	enum { TRIES = 5000, APART_NS = 200000 };
	int number = errno;
	for (int tries = 0; tries < TRIES && is_there(); tries++)
		nanosleep(&(struct timespec){.tv_nsec = APART_NS}, NULL);
	errno = number;
}
