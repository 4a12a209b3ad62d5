/*
 * The socket from the box to the supervisor (SOCK_SEQPACKET). Messages have a fixed size and form, since the supervisor
 * doesn't trust the box.
 */
#ifndef NSBOX_BASE_CHANNEL_H
#define NSBOX_BASE_CHANNEL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum channel_kind {
	CHANNEL_STARTED = 1, /* the command was executed */
	CHANNEL_STOPPED = 2, /* signal VALUE stopped the command */
	CHANNEL_ENDED = 3, /* the command ended; VALUE is its wait status */
	CHANNEL_FAILED = 4, /* nsbox failed in the box; VALUE is the exit status */
	CHANNEL_READY = 5, /* all is set up, and the box waits */
	/* Before the id maps: the descriptor is the sender's own directory in /proc, VALUE is its number there. */
	CHANNEL_PROCESS = 6,
	/* The descriptor is a lock on a file that other boxes may use too; the supervisor keeps it. */
	CHANNEL_LOCK = 7,
	/*
	 * Before the command is started: NAME was made in the directory that the descriptor refers to. A second one is a
	 * lock on what was made. VALUE: CHANNEL_MADE_*.
	 */
	CHANNEL_MADE = 8,
};

/*
 * DIRECTORY: a directory was made. STAYS: only a box that fails removes it. OWN: it is one of nsbox's own directories.
 * LINK: a symbolic link was made.
 */
enum { CHANNEL_MADE_DIRECTORY = 1, CHANNEL_MADE_STAYS = 2, CHANNEL_MADE_OWN = 4, CHANNEL_MADE_LINK = 16 };

enum { CHANNEL_NAME = 256 }; /* NAME_MAX and the NUL */

/* Its inode identifies what was made, since a mount may lie on the name by now. */
struct channel_made {
	uint64_t device, inode;
	char name[CHANNEL_NAME];
};
/* MADE is sent with a descriptor only; a message without one is CHANNEL_PLAIN bytes long. */
struct channel_message {
	uint32_t kind;
	int32_t value;
	struct channel_made made;
};
enum { CHANNEL_PLAIN = offsetof(struct channel_message, made) };

static inline void channel_send(int fd, enum channel_kind kind, int value)
{
	struct channel_message message = {.kind = kind, .value = value};
	(void)send(fd, &message, CHANNEL_PLAIN, MSG_NOSIGNAL);
}

enum { CHANNEL_ALONG = 2 };

/* The descriptors that come with a message; -1: none. */
struct channel_along {
	int fd[CHANNEL_ALONG];
};

union channel_control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int[CHANNEL_ALONG]))];
};

static inline void channel_send_with(int fd, struct channel_message *message, struct channel_along along)
{
	size_t size = along.fd[1] < 0 ? sizeof(int) : sizeof along.fd;
	union channel_control control = {
		.header = {.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec text = {message, sizeof *message};
	struct msghdr packet = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(size)};
	memcpy(CMSG_DATA(&control.header), along.fd, size);
	/* ETOOMANYREFS: too many descriptors are in flight (Linux 4.5), so the supervisor has to receive some first. */
	for (int tries = 0; sendmsg(fd, &packet, MSG_NOSIGNAL) < 0 && errno == ETOOMANYREFS && tries < 1000; tries++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* LOCK: on what was made, or -1. */
static inline void channel_send_made(int fd, int parent, int lock, const struct channel_made *made, int how)
{
	struct channel_message message = {.kind = CHANNEL_MADE, .value = how, .made = *made};
	channel_send_with(fd, &message, (struct channel_along){{parent, lock}});
}

static inline void channel_send_lock(int fd, int lock)
{
	struct channel_message message = {.kind = CHANNEL_LOCK};
	channel_send_with(fd, &message, (struct channel_along){{lock, -1}});
}

static inline void channel_send_process(int fd, int process, int number)
{
	struct channel_message message = {.kind = CHANNEL_PROCESS, .value = number};
	channel_send_with(fd, &message, (struct channel_along){{process, -1}});
}

/* Receives one message, and the descriptors that came with it. As recv(2): 0 at the end, -1 with errno. */
static inline ssize_t channel_receive(int fd, struct channel_message *message, struct channel_along *along)
{
	union channel_control control = {0};
	struct iovec text = {message, sizeof *message};
	struct msghdr packet = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t length = recvmsg(fd, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*along = (struct channel_along){{-1, -1}};
	if (length > 0 && CMSG_FIRSTHDR(&packet) && control.header.cmsg_type == SCM_RIGHTS)
		memcpy(along->fd, CMSG_DATA(&control.header),
			control.header.cmsg_len < CMSG_LEN(sizeof along->fd) ? sizeof(int) : sizeof along->fd);
	message->made.name[CHANNEL_NAME - 1] = '\0';
	return length;
}

#endif
