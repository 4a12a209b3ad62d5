/*
 * Uses files in the ways that a tracer can get wrong.
 *
 *     use_files openat DIRECTORY NAME     opens NAME relative to an open directory
 *     use_files openat2 DIRECTORY PATH    opens PATH as if DIRECTORY were the root directory
 *     use_files fchdir DIRECTORY NAME     opens NAME after fchdir(2)
 *     use_files chroot DIRECTORY PATH     opens PATH after chroot(2)
 *     use_files thread PROGRAM [ARG...]   executes PROGRAM from a second thread
 *     use_files as ID PATH                becomes user ID, and looks at PATH
 *     use_files path PATH                 opens PATH with O_PATH
 *     use_files write PATH                writes a new file, or over an old one
 *     use_files many COUNT                looks for COUNT names that aren't there
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int check(const char *what, long result)
{
	if (result >= 0)
		return 0;
	perror(what);
	return 1;
}

static int directory_of(const char *path) { return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

static int at(char **words) { return check("openat", openat(directory_of(words[0]), words[1], O_RDONLY)); }

static int at_root(char **words)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	return check("openat2", syscall(SYS_openat2, directory_of(words[0]), words[1], &how, sizeof how));
}

static int changed(char **words)
{
	return check("fchdir", fchdir(directory_of(words[0]))) || check("open", open(words[1], O_RDONLY));
}

static int below(char **words) { return check("chroot", chroot(words[0])) || check("open", open(words[1], O_RDONLY)); }

static void *execute(void *words)
{
	execv(*(char **)words, words);
	perror("execv");
	exit(1);
}

static int by_thread(char **words)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, execute, words) != 0)
		return 1;
	return pthread_join(thread, NULL) != 0;
}

static int as_user(char **words)
{
	struct stat st;
	return check("setuid", setuid((uid_t)atoi(words[0]))) || check("stat", stat(words[1], &st));
}

static int by_path(char **words) { return check("open", open(words[0], O_PATH)); }

static int to(char **words) { return check("open", open(words[0], O_WRONLY | O_CREAT | O_TRUNC, 0666)); }

static int many(char **words)
{
	char name[64];
	struct stat st;
	for (int n = atoi(words[0]); n > 0; n--) {
		snprintf(name, sizeof name, "/none/%d", n);
		stat(name, &st);
	}
	return 0;
}

static const struct {
	const char *name;
	int words;
	int (*run)(char **words);
} ways[] = {
	{"openat", 2, at},
	{"openat2", 2, at_root},
	{"fchdir", 2, changed},
	{"chroot", 2, below},
	{"thread", 1, by_thread},
	{"as", 2, as_user},
	{"path", 1, by_path},
	{"write", 1, to},
	{"many", 1, many},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[1], ways[i].name) == 0 && argc >= 2 + ways[i].words)
			return ways[i].run(argv + 2);
	fputs("use_files: unknown words\n", stderr);
	return 2;
}
