/*
 * Times whole processes, from vfork to the reaped end, in turn: A B C, C B A, A B C, ... It is in C, since starting a
 * process from a large one takes longer than the measured times.
 *
 * pace [--equal] ROUNDS COUNT TOGETHER FILE
 *
 * FILE holds the commands: words that end in NUL, and one more NUL behind each command. For each round it prints a line
 * with the nanoseconds of each command, in the order of FILE. A round starts each command COUNT times, TOGETHER of them
 * at the same time, and the time is that of all. --equal: without priority over other processes of the machine. In each
 * word the first {round} stands for the number of the round, with seven digits. A failing command ends it, with a
 * message.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 64, MAX_NUMBERED = 64, SETTLE_NS = 1000000 };
#define NUMBER "{round}"

extern char **environ;

static char **commands[MAX_COMMANDS];
static int commands_count;
static char *numbered[MAX_NUMBERED];
static int numbered_count;

static _Noreturn void give_up(const char *what, const char *name)
{
	fprintf(stderr, "pace: %s: %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static void read_commands(const char *name)
{
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		give_up("open", name);
	size_t size = (size_t)st.st_size;
	char *text = malloc(size + 1), **words = calloc(size + 1, sizeof *words);
	if (!text || !words || read(fd, text, size) != st.st_size)
		give_up("read", name);
	close(fd);
	for (char *end = text + size; text < end && commands_count < MAX_COMMANDS; text++) {
		commands[commands_count++] = words;
		for (; text < end && *text; text += strlen(text) + 1) {
			char *number = strstr(text, NUMBER);
			if (number && numbered_count < MAX_NUMBERED)
				numbered[numbered_count++] = number;
			*words++ = text;
		}
		*words++ = NULL;
	}
}

static void put_number(int round)
{
	for (int i = 0; i < numbered_count; i++) {
		char digits[sizeof NUMBER];
		snprintf(digits, sizeof digits, "%07d", round % 10000000);
		memcpy(numbered[i], digits, sizeof digits - 1);
	}
}

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void start(char **argv)
{
	pid_t pid = vfork();
	if (pid == 0) {
		execve(argv[0], argv, environ);
		_exit(127);
	}
	if (pid < 0)
		give_up("start", argv[0]);
}

static void wait_for_one(char **argv)
{
	int status;
	if (wait(&status) < 0)
		give_up("wait for", argv[0]);
	if (status == 0)
		return;
	fprintf(stderr, "pace: ended with the wait status %#x:", (unsigned)status);
	for (char **word = argv; *word; word++)
		fprintf(stderr, " %s", *word);
	fputc('\n', stderr);
	exit(1);
}

/*
 * As root: other processes of the machine wait for us and for all that we start, sched(7), SCHED_FIFO. Ordinary users
 * can't have that, nor can runc, since the kernel refuses such processes in its control groups.
 */
static void come_first(void)
{
	/* A system call, since musl's sched_setscheduler always fails: POSIX means all threads by it. */
	syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

static int64_t run(char **argv, int count, int together)
{
	/* The kernel cleans up after the end of a process, and the next one must not pay for that. */
	nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
	int64_t begun = now();
	for (int started = 0, ended = 0; ended < count; ended++) {
		for (; started < count && started - ended < together; started++)
			start(argv);
		wait_for_one(argv);
	}
	return now() - begun;
}

/* Discards the commands' output, so that it isn't measured, and keeps their messages. */
static FILE *silence(void)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	FILE *lines = fdopen(fcntl(1, F_DUPFD_CLOEXEC, 3), "w");
	if (nothing < 0 || !lines || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0)
		give_up("open", "/dev/null");
	return lines;
}

int main(int argc, char **argv)
{
	int64_t taken[MAX_COMMANDS];
	bool equal = argc > 1 && strcmp(argv[1], "--equal") == 0;
	argv += equal;
	if (argc - equal != 5) {
		fputs("usage: pace [--equal] ROUNDS COUNT TOGETHER FILE\n", stderr);
		return 2;
	}
	int rounds = atoi(argv[1]), count = atoi(argv[2]), together = atoi(argv[3]);
	read_commands(argv[4]);
	FILE *lines = silence();
	if (!equal)
		come_first();
	/* The first round fills the caches, and isn't printed. */
	for (int round = 0; round <= rounds; round++) {
		put_number(round);
		for (int i = 0; i < commands_count; i++) {
			int which = round % 2 ? i : commands_count - 1 - i;
			taken[which] = run(commands[which], count, together);
		}
		for (int i = 0; i < commands_count && round; i++)
			fprintf(lines, "%lld%c", (long long)taken[i], i < commands_count - 1 ? ' ' : '\n');
	}
	return fclose(lines) == 0 ? 0 : 1;
}
