/* What the box tells the process that supervises it, over a socket of packets: fixed messages, since the box is not trusted. */
#ifndef NSBOX_LINK_H
#define NSBOX_LINK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum channel_kind {
	CHANNEL_STARTED = 1, /* the command was executed */
	CHANNEL_STOPPED = 2, /* the command was stopped by the signal VALUE */
	CHANNEL_ENDED = 3,   /* VALUE is its wait status */
	CHANNEL_FAILED = 4,  /* nsbox could not do it; VALUE is the exit status */
	CHANNEL_PROCESS = 6, /* before the id maps: the directory in /proc that comes along is the sender's, and VALUE its number there */
	CHANNEL_HELD = 7,    /* a lock on what others may use too comes along, to be kept; where CHANNEL_MADE follows, it is of that */
	CHANNEL_MADE = 5,    /* before the command is started: NAME was made in the directory that comes along; VALUE: CHANNEL_MADE_* */
};

/* It is a directory; it stays unless the box fails; it is one of nsbox itself. */
enum { CHANNEL_MADE_DIRECTORY = 1, CHANNEL_MADE_STAYS = 2, CHANNEL_MADE_OWN = 4 };

enum { CHANNEL_NAME = 256 }; /* NAME_MAX and the NUL */

/* What was made: by its inode, since a mount may lie on it. */
struct channel_made { uint64_t device, inode; char name[CHANNEL_NAME]; };
/* The last part is sent with CHANNEL_MADE alone. */
struct channel_message { uint32_t kind; int32_t value; struct channel_made made; };
enum { CHANNEL_PLAIN = offsetof(struct channel_message, made) };

static inline void channel_send(int fd, enum channel_kind kind, int value)
{
	struct channel_message message = {.kind = kind, .value = value};
	(void)send(fd, &message, CHANNEL_PLAIN, MSG_NOSIGNAL);
}

union channel_control { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; };

static inline void channel_send_with(int fd, struct channel_message *message, int along)
{
	union channel_control control = {.header = {.cmsg_len = CMSG_LEN(sizeof along), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec text = {message, sizeof *message};
	struct msghdr packet = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	memcpy(CMSG_DATA(&control.header), &along, sizeof along);
	/* Where too many are on their way (ETOOMANYREFS), the other side has to take some first. */
	for (int tries = 0; sendmsg(fd, &packet, MSG_NOSIGNAL) < 0 && errno == ETOOMANYREFS && tries < 1000; tries++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static inline void channel_send_made(int fd, int parent, const struct channel_made *made, int how)
{
	struct channel_message message = {.kind = CHANNEL_MADE, .value = how, .made = *made};
	channel_send_with(fd, &message, parent);
}

static inline void channel_send_held(int fd, int lock)
{
	struct channel_message message = {.kind = CHANNEL_HELD};
	channel_send_with(fd, &message, lock);
}

static inline void channel_send_process(int fd, int process, int number)
{
	struct channel_message message = {.kind = CHANNEL_PROCESS, .value = number};
	channel_send_with(fd, &message, process);
}

/* One message; *PARENT is the descriptor that came along, or -1. As recv(2): 0 at the end, -1 with errno. */
static inline ssize_t channel_receive(int fd, struct channel_message *message, int *parent)
{
	union channel_control control = {0};
	struct iovec text = {message, sizeof *message};
	struct msghdr packet = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t length = recvmsg(fd, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*parent = -1;
	if (length > 0 && CMSG_FIRSTHDR(&packet) && control.header.cmsg_type == SCM_RIGHTS)
		memcpy(parent, CMSG_DATA(&control.header), sizeof *parent);
	message->made.name[CHANNEL_NAME - 1] = '\0';
	return length;
}

#endif
