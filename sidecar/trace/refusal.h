/* The calls of a box that fail, as --trace-denied reports them. */
#ifndef NSBOX_TRACE_REFUSAL_H
#define NSBOX_TRACE_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a call attempts. The first ones are about files. */
enum attempt {
	ATTEMPT_OPEN,
	ATTEMPT_OPENAT2,
	ATTEMPT_READ,
	ATTEMPT_ACCESS,
	ATTEMPT_WRITE,
	ATTEMPT_CREATE,
	ATTEMPT_REMOVE,
	ATTEMPT_RENAME,
	ATTEMPT_LINK,
	ATTEMPT_EXECUTE,
	/* Here the path is a socket's address, and the flags are its length. */
	ATTEMPT_CONNECT,
	ATTEMPT_BIND,
	ATTEMPT_SEND,
	ATTEMPT_FORK,
	/* All others: only their numbers are known. */
	ATTEMPT_CALL,
};

/*
 * A call that has a path. Indices of arguments, or -1: the directory of a relative path, the path, the flags; of two
 * paths, the other's directory and path. Without a path the directory's descriptor says what is meant.
 */
struct path_call {
	uint32_t number;
	enum attempt attempt;
	int8_t directory, path, flags, other_directory, other_path;
};

/* A call from its start on, as PTRACE_GET_SYSCALL_INFO gives it. */
struct started_call {
	uint32_t machine; /* AUDIT_ARCH_* */
	uint64_t number, args[6];
};

/* Looks at a call of thread PID that has ended with RESULT, and reports it if that may be a refusal. */
void refusal_look(pid_t pid, const struct started_call *call, int64_t result);

/* Reports the call that the thread was in when SIGSYS ended it: only the filter's text says whether it was the cause. */
void refusal_report_killed(const struct started_call *call);

#endif
