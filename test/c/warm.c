/*
 * Stands in nsbox's place in the tests, one directory below it, so that each start is one by a remembered plan. First a
 * child starts nsbox, and the kernel kills it where it would execute the box: by then it has stored its plan. So the
 * tests of first starts are also tests of later ones.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* execve is allowed, since it starts nsbox itself. That executes a box by execveat, and then, if need be, by execve. */
static void kill_at_execveat(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(1);
}

/* Verbs do what they do only once. */
static int starts_box(const char *word)
{
	static const char *const verbs[] = {"plan", "explain", "bake", "enter", "rootfs", "image", "doctor", "help"};
	for (size_t i = 0; word && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(word, verbs[i]) == 0)
			return 0;
	return word != NULL;
}

/* The program in the directory above ours. */
static const char *tested(void)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	for (int slashes = 0; length > 0 && slashes < 2; length--)
		slashes += path[length - 1] == '/';
	strcpy(path + length, "/nsbox");
	return path;
}

int main(int argc, char **argv)
{
	const char *nsbox = tested();
	pid_t child = argc > 1 && starts_box(argv[1]) ? fork() : -1;
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		setrlimit(RLIMIT_CORE, &(struct rlimit){0});
		kill_at_execveat();
		execv(nsbox, argv);
		_exit(1);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
	execv(nsbox, argv);
	return 125;
}
