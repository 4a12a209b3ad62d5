/*
 * Starts a program from a thread, which then ends, while the process goes on: `threads PROGRAM ARG...`. It ends when
 * its standard input does.
 */
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

extern char **environ;

static void *start(void *argv)
{
	pid_t pid;
	char **list = argv;
	if (posix_spawn(&pid, list[0], NULL, NULL, list, environ) == 0)
		dprintf(2, "%d\n", (int)pid);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char byte;
	if (argc < 2 || pthread_create(&thread, NULL, start, argv + 1) != 0)
		return 2;
	pthread_join(thread, NULL);
	dprintf(2, "thread has ended\n");
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
