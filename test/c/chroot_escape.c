/*
 * Tries the classic ways out of a chroot, as root. Prints "outside" for each that reaches the directory of a marker
 * file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void climb(const char *marker, const char *way)
{
	for (int i = 0; i < 100; i++)
		if (chdir("..") < 0)
			break;
	if (chroot(".") < 0)
		printf("%s: chroot refused\n", way);
	printf("%s: %s\n", way, access(marker, F_OK) == 0 ? "outside" : "inside");
}

static void in_child(void (*way)(const char *), const char *marker)
{
	fflush(stdout);
	if (fork() == 0) {
		way(marker);
		fflush(stdout);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

/* After a second chroot, the working directory lies above the root, and ".." leads out. */
static void twice(const char *marker)
{
	mkdir("/tmp/jail", 0755);
	if (chroot("/tmp/jail") < 0)
		printf("twice: chroot refused\n");
	climb(marker, "twice");
}

static void by_descriptor(const char *marker)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	mkdir("/tmp/jail", 0755);
	if (chroot("/tmp/jail") < 0 || fchdir(fd) < 0)
		printf("descriptor: refused\n");
	climb(marker, "descriptor");
}

/* Tries every inherited descriptor that is a directory. */
static void by_leaked(const char *marker)
{
	for (int fd = 3; fd < 64; fd++)
		if (fchdir(fd) == 0)
			climb(marker, "leaked");
	printf("leaked: inside\n");
}

static void by_proc(const char *marker)
{
	char path[512];
	snprintf(path, sizeof path, "/proc/1/root%s", marker);
	printf("proc: %s\n", access(path, F_OK) == 0 ? "outside" : "inside");
	snprintf(path, sizeof path, "/proc/1/cwd%s", marker);
	printf("proc cwd: %s\n", access(path, F_OK) == 0 ? "outside" : "inside");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	in_child(twice, argv[1]);
	in_child(by_descriptor, argv[1]);
	in_child(by_leaked, argv[1]);
	in_child(by_proc, argv[1]);
	return 0;
}
