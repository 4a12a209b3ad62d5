/* The calls of a box that fail, as --trace-denied reports them. */
#ifndef NSBOX_TRACE_REFUSAL_H
#define NSBOX_TRACE_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A call from its start on, as PTRACE_GET_SYSCALL_INFO gives it. */
struct started_call {
	uint32_t machine; /* AUDIT_ARCH_* */
	uint64_t number, args[6];
};

/* Looks at a call of thread PID that has ended with RESULT, and reports it if that may be a refusal. */
void refusal_look(pid_t pid, const struct started_call *call, int64_t result);

/* Reports the call that the thread was in when SIGSYS ended it: only the filter's text says whether it was the cause.
 */
void refusal_report_killed(const struct started_call *call);

#endif
