/*
 * Attaches by ptrace(2) to each process named nsbox that it can see, again and again while standard input is open.
 * Prints "ready", and at the end how often it tried and how often it was allowed.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

static int is_nsbox(const char *pid)
{
	char name[64], text[16] = "";
	snprintf(name, sizeof name, "/proc/%.20s/comm", pid);
	int fd = open(name, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	close(fd);
	return length > 0 && strcmp(text, "nsbox\n") == 0;
}

int main(void)
{
	struct pollfd in = {0, POLLIN, 0};
	long tried = 0, allowed = 0;
	puts("ready");
	fflush(stdout);
	while (poll(&in, 1, 0) == 0) {
		DIR *proc = opendir("/proc");
		for (struct dirent *entry; proc && (entry = readdir(proc));)
			if (isdigit((unsigned char)*entry->d_name) && is_nsbox(entry->d_name)) {
				tried++;
				if (ptrace(PTRACE_SEIZE, atoi(entry->d_name), NULL, NULL) == 0)
					allowed++;
			}
		closedir(proc);
	}
	printf("%ld %ld\n", tried, allowed);
	return 0;
}
