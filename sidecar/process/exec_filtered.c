#include "process/exec_filtered.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/report.h"
#include "privs/seccomp.h"

static const struct process *process;
static atomic_int *noted; /* errno, in memory that is shared with the supervisor */

bool exec_filtered_is_needed(const struct process *of)
{
	return of->seccomp && strcmp(of->seccomp->from, "default") != 0;
}

void exec_filtered_set_up(const struct process *of)
{
	void *page = mmap(NULL, sizeof *noted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		fail("allocate", NULL);
	noted = page;
	process = of;
}

void exec_filtered_end(int status)
{
	syscall(SYS_exit_group, status);
	/* If a filter refuses exit_group, the C library's _exit would try for ever. */
	for (;;)
		__builtin_trap();
}

void exec_filtered(const char *path, char **argv, char **by_shell, char **env)
{
	seccomp_load(process->seccomp);
	execve(path, argv, env);
	if (errno == ENOEXEC && by_shell)
		execve("/bin/sh", by_shell, env);
	*noted = errno;
	/* Init shares our memory (vfork), and reads this. */
	report_set_failed();
	exec_filtered_end(STATUS_NOT_EXECUTABLE);
}

bool exec_filtered_has_failed(void) { return noted && *noted; }

void exec_filtered_explain(void)
{
	report_step(STEP_EXEC);
	errno = *noted;
	fail_status(STATUS_NOT_EXECUTABLE, "can't be executed", process->program ? process->program : process->argv[0],
		"the filter of the box (--seccomp) was in force by then: it has to allow execve");
}
