/*
 * The least that a box can cost: one clone into the namespaces, the mounts by the fewest calls, the switch of the root,
 * and the command. It reads no plan, checks nothing, drops no privilege, and the command itself is process 1. Any time
 * beyond this is nsbox's own. With --init a process 1 waits for the command, as in most boxes.
 *
 * floor [--init] ROOT COMMAND...
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPEN_TREE = 428, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, CLONE3 = 435 };
enum { CREATE = 6, CLONE_RECURSIVE = 0x8001, FROM_DESCRIPTOR = 0x04 };

extern char **environ;

static int must(long done, const char *what)
{
	if (done < 0) {
		perror(what);
		_exit(125);
	}
	return (int)done;
}

static void write_map(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY), path);
	must(write(fd, text, strlen(text)), path);
	close(fd);
}

static void map_ids(unsigned uid, unsigned gid)
{
	char text[40];
	write_map("/proc/self/setgroups", "deny");
	snprintf(text, sizeof text, "%u %u 1\n", uid, uid);
	write_map("/proc/self/uid_map", text);
	snprintf(text, sizeof text, "%u %u 1\n", gid, gid);
	write_map("/proc/self/gid_map", text);
}

static void attach(int tree, const char *target)
{
	must(syscall(MOVE_MOUNT, tree, "", AT_FDCWD, target, FROM_DESCRIPTOR), target);
}

static void mount_new(const char *type, const char *target)
{
	int fs = must(syscall(FSOPEN, type, 0), type);
	must(syscall(FSCONFIG, fs, CREATE, NULL, NULL, 0), type);
	attach(must(syscall(FSMOUNT, fs, 0, 0), type), target);
}

static int end_of(pid_t pid)
{
	int status;
	must(waitpid(pid, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_inside(const char *directory, bool init, char **argv)
{
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "/");
	int root = must(syscall(OPEN_TREE, AT_FDCWD, directory, CLONE_RECURSIVE), directory);
	attach(root, "/tmp");
	must(fchdir(root), directory);
	mount_new("proc", "proc");
	mount_new("tmpfs", "tmp");
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "/");
	pid_t command = init ? vfork() : 0;
	if (command > 0)
		_exit(end_of(command));
	must(execve(argv[0], argv, environ), argv[0]);
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP};
	unsigned uid = geteuid(), gid = getegid();
	bool init = argc > 1 && strcmp(argv[1], "--init") == 0;
	argv += init;
	if (argc - init < 3)
		return 2;
	if (uid != 0)
		args.flags |= CLONE_NEWUSER;
	pid_t pid = must(syscall(CLONE3, &args, sizeof args), "clone3");
	if (pid == 0 && uid != 0)
		map_ids(uid, gid);
	if (pid == 0)
		run_inside(argv[1], init, argv + 2);
	return end_of(pid);
}
