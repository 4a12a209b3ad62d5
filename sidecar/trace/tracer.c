#include "trace/tracer.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

enum stop tracer_stop(int status)
{
	const int signal = WSTOPSIG(status), event = status >> 16;
	switch (event) {
	case 0: return signal == (SIGTRAP | 0x80) ? STOP_CALL : STOP_SIGNAL;
	case PTRACE_EVENT_SECCOMP: return STOP_SECCOMP;
	case PTRACE_EVENT_EXEC: return STOP_EXEC;
	case PTRACE_EVENT_STOP:
		return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU ? STOP_GROUP
																								: STOP_OTHER;
	default: return STOP_OTHER;
	}
}

bool tracer_seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL,
			   PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC |
				   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE) == 0;
}

void tracer_go_on(pid_t pid, int request, long signal) { ptrace(request, pid, NULL, signal); }

bool tracer_call(pid_t pid, struct __ptrace_syscall_info *info)
{
	*info = (struct __ptrace_syscall_info){.op = PTRACE_SYSCALL_INFO_NONE};
	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof *info, info) >= 0 || errno == ESRCH;
}

unsigned long tracer_message(pid_t pid)
{
	unsigned long message = 0;
	ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message);
	return message;
}
