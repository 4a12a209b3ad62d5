/* Tries every system call from 0 to N with arguments that no call can use, and prints the numbers that give errno E: `calls N E`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* These would go on with us in two places at once, or take long, with whatever arguments. */
static int is_left_out(long number)
{
	return number == SYS_vfork || number == SYS_fork || number == SYS_sync;
}

static int refused(long number, int wanted)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		alarm(2);
		errno = 0;
		long result = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
		_exit(result == -1 && errno == wanted ? 99 : 0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 99;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (long number = 0; number <= atol(argv[1]); number++)
		if (!is_left_out(number) && refused(number, atoi(argv[2])))
			printf("%ld\n", number);
	return 0;
}
