/* What system calls attempt, and which of their arguments say at what. */
#ifndef NSBOX_TRACE_ATTEMPT_H
#define NSBOX_TRACE_ATTEMPT_H

#include <stdint.h>

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

#endif
