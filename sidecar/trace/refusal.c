#include "trace/refusal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/machine.h"
#include "trace/path_calls.h"
#include "trace/pending.h"
#include "trace/tally.h"
#include "trace/tracee.h"

static const struct path_call other_call = {0, ATTEMPT_CALL, -1, -1, -1, -1, -1};

static const struct path_call *call_in(const struct path_call *calls, size_t count, uint64_t number)
{
	for (size_t i = 0; i < count; i++)
		if (calls[i].number == number)
			return &calls[i];
	return &other_call;
}

static const struct path_call *call_of(const struct started_call *call)
{
	if (call->machine == NATIVE)
		return call_in(native_calls, sizeof native_calls / sizeof *native_calls, call->number);
	return call_in(compat_calls, sizeof compat_calls / sizeof *compat_calls, call->number);
}

static bool is_getsockopt(const struct started_call *call)
{
	return call->number == (call->machine == NATIVE ? NATIVE_GETSOCKOPT : COMPAT_GETSOCKOPT);
}

/* Whether the error may come from the box. All others are the command's own affair. */
static bool may_be_refusal(enum attempt attempt, int number)
{
	switch (number) {
	case EPERM:
	case EACCES:
	case EROFS:
	case ENOSYS:
	case EAFNOSUPPORT: return true;
	case EBUSY:
	case ENOENT: return attempt < ATTEMPT_SEND;
	case ECONNREFUSED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL: return attempt >= ATTEMPT_CONNECT && attempt <= ATTEMPT_SEND;
	case EAGAIN: return attempt == ATTEMPT_FORK;
	default: return false;
	}
}

static const char *open_word(uint64_t flags)
{
	if (flags & O_PATH)
		return "read";
	if (flags & O_CREAT)
		return "create";
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) ? "write" : "read";
}

static const char *word_of(pid_t pid, enum attempt attempt, uint64_t flags)
{
	static const char *const words[] = {[ATTEMPT_READ] = "read",
		[ATTEMPT_WRITE] = "write",
		[ATTEMPT_CREATE] = "create",
		[ATTEMPT_REMOVE] = "remove",
		[ATTEMPT_RENAME] = "rename",
		[ATTEMPT_LINK] = "link",
		[ATTEMPT_EXECUTE] = "execute",
		[ATTEMPT_CONNECT] = "connect",
		[ATTEMPT_BIND] = "bind",
		[ATTEMPT_SEND] = "send",
		[ATTEMPT_FORK] = "fork",
		[ATTEMPT_CALL] = "call"};
	struct open_how how = {0};
	switch (attempt) {
	case ATTEMPT_OPEN: return open_word(flags);
	case ATTEMPT_OPENAT2: return tracee_bytes(pid, flags, &how, sizeof how) ? open_word(how.flags) : "read";
	case ATTEMPT_ACCESS: return flags & W_OK ? "write" : flags & X_OK ? "execute" : "read";
	default: return words[attempt];
	}
}

/* The place in the box that two arguments mean. False: there is none. */
static bool path_of(pid_t pid, const struct started_call *call, int directory, int path, char found[TRACEE_PATH])
{
	char text[PATH_MAX];
	*found = '\0';
	/* A descriptor has 32 bits. */
	int fd = directory < 0 ? AT_FDCWD : (int)(uint32_t)call->args[directory];
	if (path >= 0 && call->args[path] != 0) {
		if (!tracee_text(pid, call->args[path], text) || (*text == '\0' && directory < 0))
			return false;
		if (*text)
			return tracee_path(pid, fd, text, true, found);
	}
	return directory >= 0 && tracee_path(pid, fd, "", true, found);
}

union address {
	sa_family_t family;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
	char bytes[sizeof(struct sockaddr_un) + 1];
};

/* Fills in the address of a socket. The texts have room for what they are to hold. */
static bool read_address(pid_t pid, uint64_t at, uint64_t length, struct refusal *refusal, char place[TRACEE_PATH],
	char text[INET6_ADDRSTRLEN])
{
	enum { NAME = offsetof(struct sockaddr_un, sun_path) };
	union address address = {.family = AF_UNSPEC};
	if (length > sizeof(struct sockaddr_un))
		length = sizeof(struct sockaddr_un);
	if (length <= sizeof address.family || !tracee_bytes(pid, at, &address, length))
		return false;
	const char *name = address.bytes + NAME;
	switch (address.family) {
	case AF_UNIX:
		if (length <= NAME)
			return false;
		if (*name) {
			refusal->path = place;
			return tracee_path(pid, AT_FDCWD, name, true, place);
		}
		refusal->abstract = place;
		snprintf(place, TRACEE_PATH, "%s", name + 1);
		return true;
	case AF_INET:
		refusal->port = ntohs(address.v4.sin_port);
		refusal->address = text;
		return inet_ntop(AF_INET, &address.v4.sin_addr, text, INET6_ADDRSTRLEN) != NULL;
	case AF_INET6:
		refusal->port = ntohs(address.v6.sin6_port);
		refusal->address = text;
		return inet_ntop(AF_INET6, &address.v6.sin6_addr, text, INET6_ADDRSTRLEN) != NULL;
	default: return false;
	}
}

/* Pointers differ from call to call, and no rule looks at them: what has more than 32 bits is one. */
static void copy_arguments(struct refusal *refusal, const struct started_call *call)
{
	for (int i = 0; i < 6; i++)
		refusal->args[i] = call->args[i] > UINT32_MAX ? 0 : call->args[i];
}

static struct refusal refusal_of(const struct started_call *call, const char *op, int number)
{
	return (struct refusal){.machine = call->machine,
		.call = (uint32_t)call->number,
		.number = number,
		.op = op,
		.path = "",
		.to = "",
		.abstract = "",
		.address = ""};
}

static void report(pid_t pid, const struct started_call *call, int number)
{
	static char path[TRACEE_PATH], to[TRACEE_PATH];
	char text[INET6_ADDRSTRLEN];
	const struct path_call *known = call_of(call);
	const bool waits = number == EINPROGRESS && known->attempt == ATTEMPT_CONNECT;
	if (!waits && !may_be_refusal(known->attempt, number))
		return;
	uint64_t flags = known->flags < 0 ? 0 : call->args[known->flags];
	struct refusal refusal = refusal_of(call, word_of(pid, known->attempt, flags), number);
	bool complete = false;
	if (known->attempt < ATTEMPT_CONNECT) {
		complete = path_of(pid, call, known->directory, known->path, path);
		refusal.path = path;
		if (complete && known->other_path >= 0 && path_of(pid, call, known->other_directory, known->other_path, to))
			refusal.to = to;
	} else if (known->attempt < ATTEMPT_FORK) {
		complete = read_address(pid, call->args[known->path], flags, &refusal, path, text);
	}
	if (waits) {
		pending_add(pid, (int)(uint32_t)call->args[0], &refusal);
		return;
	}
	if (!complete) {
		/* A name that can't be read is ordinary (EFAULT); a filter may have refused the call before that. */
		if (number == ENOENT)
			return;
		refusal.path = "";
		copy_arguments(&refusal, call);
	}
	tally_add(&refusal);
}

/* getsockopt(2) with SO_ERROR: whether a connection could be made that the thread did not wait for. */
static void look_at_error(pid_t pid, const struct started_call *call)
{
	struct refusal refusal;
	int number;
	if (tracee_bytes(pid, call->args[3], &number, sizeof number) && may_be_refusal(ATTEMPT_CONNECT, number) &&
		pending_take(pid, (int)(uint32_t)call->args[0], &refusal)) {
		refusal.number = number;
		tally_add(&refusal);
	}
}

void refusal_look(pid_t pid, const struct started_call *call, int64_t result)
{
	enum { LARGEST_ERROR = 4095 };
	if (result < 0 && result >= -LARGEST_ERROR)
		report(pid, call, (int)-result);
	else if (result == 0 && call->args[1] == SOL_SOCKET && call->args[2] == SO_ERROR && is_getsockopt(call))
		look_at_error(pid, call);
}

void refusal_report_killed(const struct started_call *call)
{
	struct refusal refusal = refusal_of(call, "call", 0);
	copy_arguments(&refusal, call);
	tally_add(&refusal);
}
