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
 *     use_files same COUNT PATH           opens PATH so often
 *     use_files vfork PROGRAM [ARG...]    executes PROGRAM in a child of vfork(2), and waits for it
 *     use_files clone3 PROGRAM [ARG...]   the same by clone3(2), or fork(2) where a filter has no clone3
 *     use_files untraced PATH             opens PATH in a child that no tracer follows: CLONE_UNTRACED
 *     use_files deep COUNT PATH           opens PATH, in a new directory COUNT names of 200 bytes below this one
 *     use_files long PATH                 opens PATH behind so many "./" that no path is so long
 *     use_files swap ID SHOWN OPENED      becomes user ID, and opens OPENED by a path that reads SHOWN before and after
 *     use_files pose ID SHOWN OPENED      the same, while a thread puts a mere reference to SHOWN in its place
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static int same(char **words)
{
	for (int n = atoi(words[0]); n > 0; n--) {
		int fd = open(words[1], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return check("open", fd);
		close(fd);
	}
	return 0;
}

static int ending_of(pid_t child)
{
	int status;
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return check("wait", -1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int by_vfork(char **words)
{
	pid_t child = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): it is what is tried */
	if (child == 0) {
		execv(words[0], words);
		_exit(127);
	}
	return ending_of(child);
}

static int by_clone3(char **words)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (child < 0 && errno == ENOSYS)
		child = fork();
	if (child == 0) {
		execv(words[0], words);
		_exit(127);
	}
	return ending_of(child);
}

static int untraced(char **words)
{
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		_exit(open(words[0], O_RDONLY) < 0 ? errno : 0);
	return ending_of(child);
}

static int deep(char **words)
{
	char name[201];
	memset(name, 'd', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (int n = atoi(words[0]); n > 0; n--)
		if (mkdir(name, 0755) < 0 || chdir(name) < 0)
			return check("enter", -1);
	int fd = open("here", O_CREAT | O_RDWR, 0644);
	return check("make", fd) || check("open", open("here", O_RDONLY)) || check("open", open(words[1], O_RDONLY));
}

static int by_long(char **words)
{
	enum { LONG = 3 * 4096 };
	char path[LONG + 4096];
	for (int i = 0; i < LONG; i += 2)
		memcpy(path + i, "./", 2);
	snprintf(path + LONG, sizeof path - LONG, "%s", words[0]);
	int fd = open(path, O_RDONLY);
	return fd < 0 && errno == ENAMETOOLONG ? 0 : 1;
}

static char text[4096];
static char *const *both;
static volatile int reference = -1, number = -1;

static void *flip(void *unused)
{
	for (;;) {
		memcpy(text, both[0], strlen(both[0]) + 1);
		if (reference >= 0 && number >= 0)
			dup2(reference, number);
		memcpy(text, both[1], strlen(both[1]) + 1);
	}
	return unused;
}

/* SHOWN must not count as opened, however the tracer reads the path and the descriptor. */
static int pretend(char **words, bool poses)
{
	enum { TRIES = 3000 };
	pthread_t thread;
	both = words + 1;
	if (check("setuid", setuid((uid_t)atoi(words[0]))))
		return 1;
	if (poses) {
		reference = open(both[0], O_PATH);
		number = fcntl(STDERR_FILENO, F_DUPFD, 500);
	}
	if (pthread_create(&thread, NULL, flip, NULL) != 0)
		return 1;
	for (int i = 0; i < TRIES; i++) {
		int fd = open(text, O_RDONLY);
		if (poses && fd >= 0)
			number = fd;
	}
	_exit(0);
}

static int swap(char **words) { return pretend(words, false); }
static int pose(char **words) { return pretend(words, true); }

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
	{"same", 2, same},
	{"vfork", 1, by_vfork},
	{"clone3", 1, by_clone3},
	{"untraced", 1, untraced},
	{"deep", 2, deep},
	{"long", 1, by_long},
	{"swap", 3, swap},
	{"pose", 3, pose},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[1], ways[i].name) == 0 && argc >= 2 + ways[i].words)
			return ways[i].run(argv + 2);
	fputs("use_files: unknown words\n", stderr);
	return 2;
}
