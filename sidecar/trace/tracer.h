/* What ptrace(2) does for both ways to trace: threads that stop, and why. */
#ifndef NSBOX_TRACE_TRACER_H
#define NSBOX_TRACE_TRACER_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/* Why a thread has stopped. */
enum stop {
	STOP_SECCOMP,
	STOP_EXEC,
	/* A signal that stops it has done so, and it stays stopped until it is continued. */
	STOP_GROUP,
	/* The start or the end of a call. */
	STOP_CALL,
	/* A signal is about to be delivered. */
	STOP_SIGNAL,
	/* A new thread or process, which is traced already, and other things that only have to go on. */
	STOP_OTHER,
};

/* By the status that waitpid(2) gives for a stopped thread. */
enum stop tracer_stop(int status);

/* Traces the process and all that it will start; they end when the tracer ends. False with errno. */
bool tracer_seize(pid_t pid);

/* Lets a stopped thread go on, by PTRACE_CONT, PTRACE_SYSCALL or PTRACE_LISTEN. A thread that has gone is no fault. */
void tracer_go_on(pid_t pid, int request, long signal);

/* The call that the thread has stopped at. False: the kernel can't say it, before Linux 5.3. */
bool tracer_call(pid_t pid, struct __ptrace_syscall_info *info);

/* The number that comes with an event. */
unsigned long tracer_message(pid_t pid);

#endif
