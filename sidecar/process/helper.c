#include "process/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/hide_report.h"
#include "base/procfs.h"
#include "base/report.h"
#include "base/sys.h"
#include "plan/part.h"

/* A helper has these descriptors: /dev/null as 0 and 1, the caller's 2, and these up to STATUS. */
enum { READY = 3, BOX = 4, STATUS = 5, FAILED = 6, PROGRAM = 7, ABOVE = 10 };

/* PID is 0 before the start and after the end. FILE: of a part, until it is started; of a watcher, then its pipe. */
struct helper_process {
	pid_t pid;
	int ready, file;
	const struct helper *helper;
};

static struct helper_process *processes;
static size_t count;
static struct helper_failure failure;
static bool has_told; /* nsbox-net has reported why it couldn't start */

/* The arguments of a helper's start. What becomes a descriptor of its own may be -1; PROGRAM is then a path. */
struct start {
	const char *program;
	char **argv, **env;
	const sigset_t *mask;
	int file, ready, box, status;
};

/* A copy of FD above those that a helper has. -1 stays. */
static bool move_up(int *fd) { return *fd < 0 || (*fd = fcntl(*fd, F_DUPFD_CLOEXEC, ABOVE)) >= 0; }

/* FD as NUMBER, which execve keeps open; or nothing under that number. */
static bool duplicate(int fd, int number)
{
	if (fd < 0)
		close(number);
	return fd < 0 || dup2(fd, number) == number;
}

/* Ends with the supervisor, however that ends. No terminal and no process group reaches it. */
static _Noreturn void execute(const struct start *start, int failed, pid_t supervisor)
{
	struct start at = *start;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool done = null >= 0 && move_up(&failed) && move_up(&at.ready) && move_up(&at.box) && move_up(&at.status) &&
				move_up(&at.file) && setsid() >= 0 && duplicate(null, 0) && duplicate(null, 1) &&
				duplicate(at.ready, READY) && duplicate(at.box, BOX) && duplicate(at.status, STATUS) &&
				dup3(failed, FAILED, O_CLOEXEC) == FAILED &&
				(at.file < 0 || dup3(at.file, PROGRAM, O_CLOEXEC) == PROGRAM);
	descriptor_close_range(at.file < 0 ? PROGRAM : PROGRAM + 1, INT_MAX);
	if (done && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) {
		if (getppid() != supervisor)
			_exit(STATUS_FAILED);
		sigprocmask(SIG_SETMASK, start->mask, NULL);
		if (at.file < 0)
			execve(start->program, start->argv, start->env);
		else
			descriptor_execute(PROGRAM, start->argv, start->env);
	}
	(void)!write(FAILED, &errno, sizeof errno);
	_exit(STATUS_FAILED);
}

/* The process once it has executed its program. -1 with errno. */
static pid_t execute_outside(const struct start *start)
{
	int ends[2], number = 0;
	pid_t supervisor = getpid();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = sys_fork();
	if (pid == 0)
		execute(start, ends[1], supervisor);
	descriptor_close(ends[1]);
	while (pid > 0 && read(ends[0], &number, sizeof number) < 0 && errno == EINTR)
		;
	descriptor_close(ends[0]);
	if (number) {
		waitpid(pid, NULL, 0);
		errno = number;
		return -1;
	}
	return pid;
}

bool helper_run(const char *program, char **argv)
{
	sigset_t none;
	int status;
	sigemptyset(&none);
	pid_t pid = execute_outside(&(struct start){program, argv, (char *[]){NULL}, &none, -1, -1, -1, -1});
	if (pid < 0)
		fail_hint("run", program, report_process_hint());
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("wait for", program);
	return status == 0;
}

static const char *name_of(const struct helper *helper)
{
	return helper->program ? helper->program : part_name(helper->part);
}

static void set_failure(const char *what, const struct helper *helper, int number)
{
	errno = number;
	if (!failure.what)
		failure = (struct helper_failure){what, name_of(helper), report_process_hint(), number, STEP_HELPERS};
}

static int open_box(const struct box *box)
{
	char name[32];
	procfs_refuse_foreign();
	snprintf(name, sizeof name, "/proc/%d", box->pid);
	int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail("open", name);
	return fd;
}

void helpers_open(const struct plan *plan)
{
	if (!plan->helpers_count)
		return;
	processes = calloc(plan->helpers_count, sizeof *processes);
	if (!processes)
		fail("allocate", NULL);
	report_step(STEP_HELPERS);
	for (; count < plan->helpers_count; count++) {
		const struct helper *helper = &plan->helpers[count];
		processes[count] = (struct helper_process){0, -1, helper->program ? -1 : part_open(helper->part), helper};
	}
}

/* It looks at the box's mounts, so all of them have to be there. */
static bool is_watcher(const struct helper *helper) { return !helper->program && helper->part == HELPER_PART_HIDE; }

void helpers_start(const struct box *box, const sigset_t *mask, bool watchers)
{
	int directory = -1;
	for (size_t i = 0; i < count && !failure.what; i++) {
		const struct helper *helper = processes[i].helper;
		int ends[2], file = processes[i].file;
		if (is_watcher(helper) != watchers)
			continue;
		if (directory < 0)
			directory = open_box(box);
		if (pipe2(ends, O_CLOEXEC) < 0)
			fail("make pipe", NULL);
		pid_t pid = execute_outside(&(struct start){
			helper->program, helper->argv, environ, mask, file, ends[1], directory, report_status_fd()});
		if (pid < 0)
			set_failure("start the helper", helper, errno);
		descriptor_close(file);
		close(ends[1]);
		processes[i] = (struct helper_process){pid, ends[0], -1, helper};
	}
	descriptor_close(directory);
}

int helpers_descriptor(void)
{
	for (size_t i = 0; i < count; i++)
		if (processes[i].ready >= 0)
			return processes[i].ready;
	return -1;
}

static const char never_ready[] = "the helper ended, or closed descriptor 3, before it was ready";

/* Reads a byte, or what a watcher reports before it ends. False at the end of the pipe. */
static bool read_pipe(const struct helper_process *process, int fd)
{
	struct hide_report *report = malloc(sizeof *report);
	ssize_t length = report ? read(fd, report, is_watcher(process->helper) ? sizeof *report : 1) : 0;
	if (length == sizeof *report && !failure.what)
		failure = (struct helper_failure){
			report->what, report->path, *report->hint ? report->hint : NULL, report->number, STEP_MOUNTS};
	return length > 0;
}

static void read_ready(struct helper_process *process)
{
	if (!read_pipe(process, process->ready))
		set_failure(never_ready, process->helper, 0);
	if (is_watcher(process->helper))
		process->file = process->ready;
	else
		close(process->ready);
	process->ready = -1;
}

void helpers_read(void)
{
	for (size_t i = 0; i < count; i++)
		if (processes[i].ready >= 0) {
			read_ready(&processes[i]);
			return;
		}
}

/* Its number stays its own until end(). */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Lets a part of nsbox pass on what the box has sent, and report it. */
static void finish_part(pid_t pid)
{
	enum { MOST = 5000 /* milliseconds */ };
	struct pollfd ended = {sys_pidfd_open(pid), POLLIN, 0};
	if (ended.fd >= 0 && kill(pid, SIGTERM) == 0)
		poll(&ended, 1, MOST);
	descriptor_close(ended.fd);
}

/* With all that it has started in its process group. */
static void end(struct helper_process *process)
{
	int status = 0;
	if (process->pid <= 0)
		return;
	if (!process->helper->program)
		finish_part(process->pid);
	kill(-process->pid, SIGKILL);
	waitpid(process->pid, &status, 0);
	has_told |= process->helper->part == HELPER_PART_NET && status == STATUS_FAILED << 8;
	process->pid = 0;
	if (process->file >= 0)
		(void)read_pipe(process, process->file);
}

void helpers_look(void)
{
	for (size_t i = 0; i < count; i++) {
		struct helper_process *process = &processes[i];
		if (process->pid <= 0 || !has_ended(process->pid))
			continue;
		end(process);
		/* A process that it has started elsewhere may keep the pipe open. */
		if (process->ready >= 0 && fcntl(process->ready, F_SETFL, O_NONBLOCK) == 0)
			read_ready(process);
		if (process->helper->ends == HELPER_ENDS_BOX)
			set_failure("the helper has ended, and the box with it", process->helper, 0);
	}
}

const struct helper_failure *helpers_failure(void) { return failure.what ? &failure : NULL; }

bool helpers_can_end_box(void)
{
	for (size_t i = 0; i < count; i++)
		if (processes[i].helper->ends == HELPER_ENDS_BOX)
			return true;
	return false;
}

void helpers_end(void)
{
	for (size_t i = 0; i < count; i++)
		end(&processes[i]);
	if (has_told && failure.what == never_ready)
		failure.what = "";
}
