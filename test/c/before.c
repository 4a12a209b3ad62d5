/*
 * Executes a program that then has a child which it did not make: one without an exit signal, which ends after some
 * milliseconds.
 *
 * before MILLISECONDS PROGRAM [ARG...]
 *
 * It prints the number of the child first.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	long milliseconds = atol(argv[1]), child = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (child == 0) {
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
		_exit(0);
	}
	printf("%ld\n", child);
	fflush(stdout);
	if (child > 0)
		execv(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
