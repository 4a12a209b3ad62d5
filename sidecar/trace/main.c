/*
 * Runs a command, and writes which files it and its children name in system calls: record.h says how. It stands in the
 * box of `nsbox rootfs build --trace` and `--check`, as that box's command.
 *
 *     nsbox-trace COMMAND [ARG...]
 *     nsbox-trace --denied
 *
 * The second form is the helper of a box with --trace-denied, outside of it: denied.h.
 *
 * Standard output is for the records, so the command gets standard error in its place. The exit status is the
 * command's, 128 + N where signal N ended it.
 *
 * The threads stop at the start of each call that names files (calls.h), where the path is read, and at its end, where
 * the result is. All other calls run at full speed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/calls.h"
#include "trace/denied.h"
#include "trace/record.h"
#include "trace/task.h"
#include "trace/tracee.h"
#include "trace/tracer.h"

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

/* A path alone says nothing about permissions to read. What is cut or only written isn't needed as it is. */
static void read_open_flags(struct task *task, uint64_t flags)
{
	const bool makes = flags & O_CREAT, replaces = (flags & O_TRUNC) || (makes && (flags & O_EXCL));
	const bool is_path = (flags & O_PATH) != 0, only_writes = (flags & O_ACCMODE) == O_WRONLY;
	char *kind = task->kinds;
	task->opens = true;
	task->follow = !(flags & O_NOFOLLOW) && !(makes && (flags & O_EXCL));
	task->writes = !is_path && (makes || (flags & O_ACCMODE) != O_RDONLY);
	if (is_path)
		*kind++ = 'l';
	else {
		if (makes)
			*kind++ = 'm';
		if (!replaces && !only_writes)
			*kind++ = 'o';
		else if (!makes)
			*kind++ = 'l';
		if (replaces)
			*kind++ = 'w';
	}
	*kind = '\0';
}

static void read_flags(struct task *task, const struct call *call, uint64_t flags)
{
	switch (call->kind) {
	case CALL_EXEC: memcpy(task->kinds, "x", 2); break;
	case CALL_CREAT: read_open_flags(task, O_CREAT | O_WRONLY | O_TRUNC); break;
	case CALL_OPEN:
	case CALL_OPENAT2: read_open_flags(task, flags); break;
	case CALL_MAKE:
		memcpy(task->kinds, "mw", 3);
		task->follow = false;
		task->writes = true;
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
	/* An ordinary user has nothing that others of its processes lack. */
	if (call->kind == CALL_IDS && geteuid() == 0)
		ids_changed = true;
	if (call->kind == CALL_CHROOT)
		root_changed = true;
	if (call->path == NO_ARGUMENT || !tracee_text(pid, args[call->path], text))
		return;
	struct task *task = task_of(pid);
	task_leave_call(task);
	task->opens = task->writes = false;
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
	} else if (!tracee_path(pid, directory, text, root_changed, path)) {
		if (errno == ENAMETOOLONG)
			record_write("P", "", "");
		return;
	}
	task->path = strdup(path);
	if (!task->path)
		_exit(125);
	task->in_call = true;
}

/*
 * Where the descriptor leads that a call has opened, or "". A process that may have fewer rights than the command had
 * could say that it has opened a file that it can't read, so nothing that it can change meanwhile counts.
 */
static void opened_place(struct task *task, int fd, char real[PATH_MAX])
{
	char name[32];
	snprintf(name, sizeof name, "fd/%d", fd);
	bool reads = strchr(task->kinds, 'o') != NULL;
	if (reads && ids_changed ? tracee_reads(task->pid, fd, real) : tracee_link(task->pid, name, real))
		return;
	*real = '\0';
	if (reads && ids_changed)
		*strchr(task->kinds, 'o') = 'l';
}

/* At the end of a call, or when a program has been executed. */
static void end_call(struct task *task, int64_t result)
{
	char real[PATH_MAX] = "";
	if (!task->in_call)
		return;
	const bool found = result >= 0, in_the_way = result == -EEXIST;
	if (found && task->opens)
		opened_place(task, (int)result, real);
	const char *path = *task->path ? task->path : real;
	/* EOVERFLOW: the owner of a directory has no id in the user namespace, so that no layer can have a copy of it. */
	if (*path && task->writes && (result == -EROFS || result == -EOVERFLOW))
		record_write("R", path, "");
	if (*path && in_the_way)
		record_use('l', false, true, ids_changed, path, "");
	else if (*path && (found || result == -ENOENT))
		for (const char *kind = task->kinds; *kind; kind++)
			if (*kind != 'w' || found)
				record_use(*kind, task->follow, found, ids_changed, path, *kind == 'm' ? "" : real);
	task_leave_call(task);
}

static struct __ptrace_syscall_info info_of(pid_t pid)
{
	struct __ptrace_syscall_info info;
	if (!tracer_call(pid, &info))
		give_up("follow the command's calls, which Linux 5.3 and later can");
	return info;
}

static void at_seccomp(pid_t pid)
{
	char program[PATH_MAX];
	if (tracer_message(pid) == CALLS_FOREIGN) {
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
	const pid_t before = (pid_t)tracer_message(pid);
	struct task *task = task_of(before);
	char program[PATH_MAX];
	end_call(task, 0);
	/* By a link that the command has made itself, its path alone wouldn't say it. */
	if (tracee_link(pid, "exe", program))
		record_use('x', true, true, ids_changed, program, "");
	if (before != pid) {
		task_forget(before);
		task_leave_call(task_of(pid));
	}
}

/* A thread has stopped. */
static void at_stop(pid_t pid, int status)
{
	const int signal = WSTOPSIG(status);
	struct task *task = task_of(pid);
	task_set_stopped(task, 0);
	switch (tracer_stop(status)) {
	case STOP_SECCOMP: at_seccomp(pid); break;
	case STOP_EXEC: at_exec(pid); break;
	case STOP_GROUP:
		task_set_stopped(task, signal);
		tracer_go_on(pid, PTRACE_LISTEN, 0);
		return;
	case STOP_SIGNAL: tracer_go_on(pid, PTRACE_CONT, signal); return;
	case STOP_CALL:
		if (task->in_call) {
			struct __ptrace_syscall_info info = info_of(pid);
			if (info.op == PTRACE_SYSCALL_INFO_EXIT)
				end_call(task, info.exit.rval);
		}
		break;
	case STOP_OTHER: break;
	}
	tracer_go_on(pid, task_of(pid)->in_call ? PTRACE_SYSCALL : PTRACE_CONT, 0);
}

static volatile sig_atomic_t stop_asked;

/*
 * All threads are stopped. If that was the terminal's doing, it has stopped us as well, and continues all. Otherwise
 * nobody is left to continue them, and the caller would wait for ever.
 */
static void leave_stop(void)
{
	if (stop_asked) {
		stop_asked = 0;
		raise(SIGSTOP);
	} else
		task_wake_all();
}

/* The next thread that has something to say, with its STATUS. */
static pid_t next_event(int *status)
{
	/* The terminal's signal may come a little later to us than to them. */
	enum { TRIES = 50, PAUSE = 2000 };
	for (int tries = 0; task_all_stopped() && tries < TRIES; tries++) {
		pid_t pid = waitpid(-1, status, __WALL | WNOHANG);
		if (pid != 0)
			return pid;
		usleep(PAUSE);
	}
	if (task_all_stopped())
		leave_stop();
	return waitpid(-1, status, __WALL);
}

/* Follows all threads until the command has ended; returns its status. What it has left running ends with us. */
static int follow(void)
{
	for (;;) {
		int status;
		pid_t pid = next_event(&status);
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
			return status;
	}
}

/* The last record, without which all others are only a part. */
static int report_end(int status)
{
	char text[16], signal[16];
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0, shown = number ? 128 + number : WEXITSTATUS(status);
	snprintf(text, sizeof text, "%d", shown);
	snprintf(signal, sizeof signal, "%d", number);
	record_write("X", text, signal);
	return shown;
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
	/* It's for us alone: by it the command could read and write what is ours. */
	(void)prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0);
	if (calls_install_filter() < 0)
		give_up("install the filter for the command's calls");
	execvp(argv[0], argv);
	snprintf(number, sizeof number, "%d", errno);
	dup2(records, STDOUT_FILENO);
	record_write("E", number, "");
	_exit(errno == ENOENT ? 127 : 126);
}

static void pass_on(int signal) { kill(command, signal); }
static void note_stop(int signal) { stop_asked = signal; }

/* The terminal sends its signals to the command as well; all others are passed on. */
static void take_signals(void)
{
	static const int passed[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT};
	struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		sigaction(passed[i], &action, NULL);
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	action.sa_handler = note_stop;
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
		sigaction(stops[i], &action, NULL);
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
	if (strcmp(argv[1], "--denied") == 0)
		denied_run();
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
	/* The command may not write into our records. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!tracer_seize(command)) {
		int number = errno;
		kill(command, SIGKILL);
		errno = number;
		give_up("trace the command (ptrace)");
	}
	if (write(gate[1], "", 1) != 1)
		give_up("start the command");
	close(gate[0]);
	close(gate[1]);
	return report_end(follow());
}
