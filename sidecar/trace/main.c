/*
 * Runs a command, and writes which files it and its children name in system calls: record.h says how. It stands in the
 * box of `nsbox rootfs build --trace` and `--check`, as that box's command.
 *
 *     nsbox-trace COMMAND [ARG...]
 *
 * Standard output is for the records, so the command gets standard error in its place. The exit status is the
 * command's, 128 + N where signal N ended it.
 *
 * The threads stop at the start of each call that names files (calls.h), where the path is read, and at its end, where
 * the result is. All other calls run at full speed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/calls.h"
#include "trace/record.h"
#include "trace/task.h"
#include "trace/tracee.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

static pid_t command;
/* Of any process: it's enough to be careful with all of them from then on. */
static bool ids_changed, root_changed;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "nsbox: rootfs: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void read_flags(struct task *task, const struct call *call, uint64_t flags)
{
	const int access = (int)flags & O_ACCMODE;
	switch (call->kind) {
	case CALL_EXEC: memcpy(task->kinds, "x", 2); break;
	case CALL_MAKE:
	case CALL_CREAT: memcpy(task->kinds, "m", 2); break;
	case CALL_OPEN:
	case CALL_OPENAT2:
		/* A path alone says nothing about permissions to read. What is cut or only written isn't needed as it is. */
		task->opens = true;
		task->follow = (flags & O_NOFOLLOW) == 0;
		char *kind = task->kinds;
		if (flags & O_PATH)
			*kind++ = 'l';
		else {
			if (flags & O_CREAT)
				*kind++ = 'm';
			if (access != O_WRONLY && !(flags & O_TRUNC))
				*kind++ = 'o';
			else if (!(flags & O_CREAT))
				*kind++ = 'l';
		}
		*kind = '\0';
		break;
	default: memcpy(task->kinds, "l", 2);
	}
}

/* At the start of a call: notes its path, where it has one. */
static void enter_call(pid_t pid, const struct __ptrace_syscall_info *info)
{
	const struct call *call = call_find(info->seccomp.nr);
	const uint64_t *args = info->seccomp.args;
	struct open_how how = {0};
	char text[PATH_MAX], path[TRACEE_PATH];
	if (!call)
		return;
	if (call->kind == CALL_IDS)
		ids_changed = true;
	if (call->kind == CALL_CHROOT)
		root_changed = true;
	if (call->path == NO_ARGUMENT || !tracee_text(pid, args[call->path], text))
		return;
	struct task *task = task_of(pid);
	task_leave_call(task);
	task->opens = false;
	uint64_t flags = call->flags == NO_ARGUMENT ? 0 : args[call->flags];
	if (call->kind == CALL_OPENAT2) {
		if (!tracee_bytes(pid, flags, &how, sizeof how))
			return;
		flags = how.flags;
	}
	task->follow = !(call->meaning & NEVER_FOLLOWS) &&
				   !((call->meaning & FLAG_NOFOLLOW) && (flags & AT_SYMLINK_NOFOLLOW)) &&
				   !((call->meaning & FLAG_FOLLOW) && !(flags & AT_SYMLINK_FOLLOW));
	read_flags(task, call, flags);
	if (*text == '\0' && call->kind != CALL_EXEC)
		return;
	int directory = call->directory == NO_ARGUMENT ? AT_FDCWD : (int)args[call->directory];
	if (how.resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH)) {
		/* Only the result says where such a path leads. */
		*path = '\0';
	} else if (!tracee_path(pid, directory, text, root_changed, path))
		return;
	task->path = strdup(path);
	if (!task->path)
		_exit(125);
	task->in_call = true;
}

/* At the end of a call, or when a program has been executed. */
static void end_call(struct task *task, int64_t result)
{
	char real[PATH_MAX] = "", name[32];
	if (!task->in_call)
		return;
	const bool found = result >= 0, in_the_way = result == -EEXIST;
	if (found && task->opens) {
		snprintf(name, sizeof name, "fd/%d", (int)result);
		if (!tracee_link(task->pid, name, real))
			*real = '\0';
	}
	const char *path = *task->path ? task->path : real;
	if (*path && in_the_way)
		record_use('l', false, true, ids_changed, path, "");
	else if (*path && (found || result == -ENOENT))
		for (const char *kind = task->kinds; *kind; kind++)
			record_use(*kind, task->follow, found, ids_changed, path, *kind == 'm' ? "" : real);
	task_leave_call(task);
}

static struct __ptrace_syscall_info info_of(pid_t pid)
{
	struct __ptrace_syscall_info info = {.op = PTRACE_SYSCALL_INFO_NONE};
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 && errno != ESRCH)
		give_up("follow the command's calls, which Linux 5.3 and later can");
	return info;
}

static void at_seccomp(pid_t pid)
{
	unsigned long message = 0;
	char program[PATH_MAX];
	ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message);
	if (message == CALLS_FOREIGN) {
		if (tracee_link(pid, "exe", program))
			record_write("F", program, "");
		return;
	}
	struct __ptrace_syscall_info info = info_of(pid);
	if (info.op == PTRACE_SYSCALL_INFO_SECCOMP)
		enter_call(pid, &info);
}

/* A thread that executes a program takes the place of its process's first one, and the others are gone. */
static void at_exec(pid_t pid)
{
	unsigned long before = 0;
	ptrace(PTRACE_GETEVENTMSG, pid, NULL, &before);
	struct task *task = task_of((pid_t)before);
	end_call(task, 0);
	if ((pid_t)before != pid) {
		task_forget((pid_t)before);
		task_leave_call(task_of(pid));
	}
}

static void go_on(pid_t pid, int request, long signal) { ptrace(request, pid, NULL, signal); }

/* A thread has stopped. */
static void at_stop(pid_t pid, int status)
{
	const int signal = WSTOPSIG(status), event = status >> 16;
	struct task *task = task_of(pid);
	switch (event) {
	case PTRACE_EVENT_SECCOMP: at_seccomp(pid); break;
	case PTRACE_EVENT_EXEC: at_exec(pid); break;
	case PTRACE_EVENT_STOP:
		/* It was stopped, and stays so until it is continued. */
		if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
			go_on(pid, PTRACE_LISTEN, 0);
			return;
		}
		break;
	case 0:
		if (signal != (SIGTRAP | 0x80)) {
			go_on(pid, PTRACE_CONT, signal);
			return;
		}
		if (task->in_call) {
			struct __ptrace_syscall_info info = info_of(pid);
			if (info.op == PTRACE_SYSCALL_INFO_EXIT)
				end_call(task, info.exit.rval);
		}
		break;
	default: break; /* a new thread or process, which is traced already */
	}
	go_on(pid, task_of(pid)->in_call ? PTRACE_SYSCALL : PTRACE_CONT, 0);
}

/* Follows all threads until the command has ended; returns its exit status. What it has left running ends with us. */
static int follow(void)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			give_up("wait for the command");
		if (WIFSTOPPED(status)) {
			at_stop(pid, status);
			continue;
		}
		task_forget(pid);
		if (pid == command)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static _Noreturn void run(char **argv, int gate)
{
	char byte, number[16];
	if (read(gate, &byte, 1) != 1)
		_exit(125);
	close(gate);
	/* The end of the other descriptor says that the program runs. */
	int records = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (records < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		give_up("open the command's standard output");
	if (calls_install_filter() < 0)
		give_up("install the filter for the command's calls");
	execvp(argv[0], argv);
	snprintf(number, sizeof number, "%d", errno);
	dup2(records, STDOUT_FILENO);
	record_write("E", number, "");
	_exit(errno == ENOENT ? 127 : 126);
}

static void pass_on(int signal) { kill(command, signal); }

/* The terminal sends its signals to the command as well; all others are passed on. */
static void take_signals(void)
{
	static const int passed[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT};
	struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		sigaction(passed[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
}

int main(int argc, char **argv)
{
	int gate[2];
	if (argc < 2) {
		fputs("usage: nsbox-trace COMMAND [ARG...]\n", stderr);
		return 2;
	}
	if (pipe2(gate, O_CLOEXEC) < 0)
		give_up("make a pipe");
	record_write("S", "", "");
	command = fork();
	if (command < 0)
		give_up("make a process");
	if (command == 0) {
		close(gate[1]);
		run(argv + 1, gate[0]);
	}
	take_signals();
	if (ptrace(PTRACE_SEIZE, command, NULL,
			PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC |
				PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE) < 0) {
		int number = errno;
		kill(command, SIGKILL);
		errno = number;
		give_up("trace the command (ptrace)");
	}
	if (write(gate[1], "", 1) != 1)
		give_up("start the command");
	close(gate[0]);
	close(gate[1]);
	return follow();
}
