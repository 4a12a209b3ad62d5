#include "process/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "process/exec_filtered.h"
#include "fs/base_dir.h"
#include "fs/cwd.h"
#include "fs/inroot.h"
#include "libc/heap.h"
#include "privs/privileges.h"
#include "privs/seccomp.h"
#include "process/caller_descriptors.h"
#include "process/die_with_parent.h"
#include "process/command_hint.h"
#include "process/exec_failure.h"

static bool session_is_made, children_are_ignored;

void exec_session_is_made(void) { session_is_made = true; }
void exec_ignore_children(void) { children_are_ignored = true; }

static size_t count_of(char *const *list)
{
	size_t count = 0;
	while (list[count])
		count++;
	return count;
}

static bool has_name(const char *entry, const char *name, size_t length)
{
	return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

/* The entry with this name in a list of NAME=VALUE, or the end of the list. */
static char **entry_of(char **list, const char *name, size_t length)
{
	while (*list && !has_name(*list, name, length))
		list++;
	return list;
}

static char **make_environment(const struct env *env)
{
	static char *none[] = {NULL};
	if (!env)
		return none;
	char **from = env->inherit || env->pass_count ? environ : none;
	char **list = calloc(count_of(from) + env->set_count + 1, sizeof *list), **end = list;
	if (!list)
		fail("allocate", NULL);
	for (; *from; from++) {
		bool keep = env->inherit;
		for (size_t i = 0; i < env->pass_count; i++)
			keep = keep || has_name(*from, env->pass[i], strlen(env->pass[i]));
		for (size_t i = 0; i < env->unset_count; i++)
			keep = keep && !has_name(*from, env->unset[i], strlen(env->unset[i]));
		if (keep)
			*end++ = *from;
	}
	for (size_t i = 0; i < env->set_count; i++)
		*entry_of(list, env->set[i], strcspn(env->set[i], "=")) = env->set[i];
	return list;
}

static char **make_arguments(const struct process *process, char *const *extra)
{
	size_t extra_count = extra ? count_of(extra) : 0;
	char **list = calloc(process->argv_count + extra_count + 1, sizeof *list);
	if (!list)
		fail("allocate", NULL);
	memcpy(list, process->argv, process->argv_count * sizeof *list);
	if (extra_count)
		memcpy(list + process->argv_count, extra, extra_count * sizeof *list);
	return list;
}

/* The arguments of a shell that runs PATH, a text without "#!", as execvp(3) and every shell do; or NULL. */
static char **shell_arguments(const char *path, char **argv)
{
	char start[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : read(fd, start, sizeof start);
	close(fd);
	if (length <= 0 || memchr(start, '\0', (size_t)length))
		return NULL;
	size_t count = count_of(argv);
	char **list = calloc(count + 2, sizeof *list);
	if (!list)
		fail("allocate", NULL);
	list[0] = (char *)"/bin/sh";
	list[1] = (char *)path;
	memcpy(list + 2, argv + 1, (count - 1) * sizeof *list);
	return list;
}

static bool filtered; /* a filter that isn't ours takes effect just before execve */

static void try(const char *path, char **argv, char **env)
{
	if (filtered) {
		if (exec_can_succeed(path))
			exec_filtered(path, argv, shell_arguments(path, argv), env);
		return;
	}
	execve(path, argv, env);
	if (errno != ENOEXEC)
		return;
	char **list = shell_arguments(path, argv);
	if (list)
		execve("/bin/sh", list, env);
	free(list);
	errno = ENOEXEC;
}

/* Searches the PATH of the box's environment; without one, the PATH of execvp(3). */
static _Noreturn void search(const char *name, char **argv, char **env)
{
	char *const *entry = entry_of(env, "PATH", 4);
	const char *path = *entry ? *entry + 5 : "/usr/local/bin:/bin:/usr/bin";
	char *found = NULL;
	int number = ENOENT;
	for (const char *from = path;; from++) {
		size_t length = strcspn(from, ":");
		char *full = NULL;
		if (asprintf(&full, "%.*s%s%s", (int)length, from, length ? "/" : "./", name) < 0)
			fail("allocate", NULL);
		try(full, argv, env);
		struct stat st;
		/* The error about a file that exists says more than the ENOENT of the last directory. */
		if (!found && errno != ENOTDIR && stat(full, &st) == 0) {
			number = errno;
			found = full;
		}
		from += length;
		if (!*from)
			break;
	}
	if (found) {
		errno = number;
		exec_explain_failure(found);
	}
	errno = ENOENT;
	fail_status(STATUS_NOT_FOUND, "command not found in the box", name, command_hint(name));
}

/*
 * Without no_new_privs, loading a filter takes cap_sys_admin, which is dropped here. For a filter that isn't ours it
 * stays until execve, only in sets that execve clears.
 */
static void drop_privileges(const struct process *process)
{
	if (process->no_new_privs || (filtered && !process->pause)) {
		privileges_drop(process, process->no_new_privs || !process->seccomp ? 0 : UINT64_C(1) << CAP_SYS_ADMIN);
		return;
	}
	seccomp_load(process->seccomp);
	privileges_drop(process, 0);
}

/*
 * Makes a session; if init leads one, only a process group. That group isn't orphaned, since its parent is in the same
 * session, so it can be stopped and continued.
 */
static void leave_session(void)
{
	if (session_is_made ? setpgid(0, 0) < 0 : setsid() < 0)
		fail("setsid", NULL);
}

/* Exchanges the privileges of the set-up for those of the command. */
static void become_command(const struct process *process, char **env, const sigset_t *mask)
{
	filtered = exec_filtered_is_needed(process);
	drop_privileges(process);
	die_with_parent_again();
	/*
	 * The namespaces of a process that isn't dumpable can't be entered, and no execve makes this one dumpable. No other
	 * process is in the box yet.
	 */
	if (process->pause && prctl(PR_SET_DUMPABLE, 1) < 0)
		fail("set dumpable", NULL);
	report_phase(STEP_EXEC);
	if (process->new_session)
		leave_session();
	cwd_enter(process, env);
	report_last_phase();
	if (children_are_ignored)
		signal(SIGCHLD, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, mask, NULL) < 0)
		fail("unblock signals", NULL);
	/* Loaded last: a filter that isn't ours could refuse the calls before. */
	if (process->no_new_privs && !filtered)
		seccomp_load(process->seccomp);
}

void exec_command(const struct process *process, char *const *extra, const sigset_t *mask)
{
	char **env = make_environment(process->env);
	char **argv = make_arguments(process, extra);
	const char *program = process->program ? process->program : argv[0];
	caller_descriptors_hand_over();
	become_command(process, env, mask);
	if (!strchr(program, '/'))
		search(program, argv, env);
	try(program, argv, env);
	exec_explain_failure(program);
}

/* Overwrites the stack below us: frames of earlier calls have paths of the host in them. */
static void forget_stack(void)
{
	unsigned char below[64 << 10];
	explicit_bzero(below, sizeof below);
}

void exec_forget_environment(void)
{
	for (char **entry = environ; *entry; entry++)
		explicit_bzero(*entry, strlen(*entry));
}

void exec_open(const struct process *process, const sigset_t *mask, int ready)
{
	become_command(process, (char *[]){NULL}, mask);
	descriptor_close_range(0, ready - 1);
	descriptor_close_range(ready + 1, INT_MAX);
	/* Commands in the box may read our memory, and must find neither the caller's environment nor the plan there. */
	exec_forget_environment();
	heap_forget();
	forget_stack();
	if (write(ready, "r", 1) != 1)
		_exit(STATUS_FAILED);
	close(ready);
	if (filtered && process->no_new_privs)
		seccomp_load(process->seccomp);
	while (pause() < 0 && errno == EINTR)
		;
	/* The filter refuses pause(2). */
	exec_filtered_end(STATUS_FAILED);
}
