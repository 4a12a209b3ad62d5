/* The system calls that name files, and the filter by which a process stops at them alone. */
#ifndef NSBOX_TRACE_CALLS_H
#define NSBOX_TRACE_CALLS_H

#include <stdint.h>

enum call_kind {
	CALL_OPEN,
	CALL_CREAT,
	CALL_OPENAT2,
	/* The file has to be there, and isn't read. */
	CALL_LOOK,
	CALL_EXEC,
	/* Makes a name, for which only the directory has to be there. */
	CALL_MAKE,
	/* Changes the user or the groups. */
	CALL_IDS,
	/* Changes the root directory. */
	CALL_CHROOT,
};

/* Bits of struct call: what a flag argument may say, and what goes without one. */
enum {
	FLAG_NOFOLLOW = 1, /* AT_SYMLINK_NOFOLLOW */
	FLAG_EMPTY = 2, /* AT_EMPTY_PATH: a call with it and no path is about a file that is open already */
	FLAG_FOLLOW = 4, /* AT_SYMLINK_FOLLOW: without it a link is not followed */
	NEVER_FOLLOWS = 8,
};

enum { NO_ARGUMENT = -1 };

struct call {
	int number;
	enum call_kind kind;
	/* Indices of arguments, or NO_ARGUMENT: the directory of a relative path, the path, the flags. */
	int8_t directory, path, flags;
	/* FLAG_* and NEVER_FOLLOWS. */
	uint8_t meaning;
};

/* The call with this number, or NULL. */
const struct call *call_find(uint64_t number);

/*
 * Installs the filter in this process: it and its children stop for their tracer at each of the calls, with
 * CALLS_OF_OURS as message; and at any call of another architecture, with CALLS_FOREIGN. Returns 0, or -1 with errno.
 */
int calls_install_filter(void);

enum { CALLS_OF_OURS = 1, CALLS_FOREIGN = 2 };

#endif
