/* What the box tells the process that supervises it, over a socket of packets: fixed messages, since the box is not trusted. */
#ifndef NSBOX_LINK_H
#define NSBOX_LINK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum link_kind {
	LINK_STARTED = 1, /* the command was executed */
	LINK_STOPPED = 2, /* the command was stopped by the signal VALUE */
	LINK_ENDED = 3,   /* VALUE is its wait status */
	LINK_FAILED = 4,  /* nsbox could not do it; VALUE is the exit status */
	LINK_PROCESS = 6, /* before the id maps: the directory in /proc that comes along is the sender's, and VALUE its number there */
	LINK_HELD = 7,    /* a lock on what others may use too comes along, to be kept; where LINK_MADE follows, it is of that */
	LINK_MADE = 5,    /* before the command is started: NAME was made in the directory that comes along; VALUE: LINK_MADE_* */
};

/* It is a directory; it stays unless the box fails; it is one of nsbox itself. */
enum { LINK_MADE_DIRECTORY = 1, LINK_MADE_STAYS = 2, LINK_MADE_OWN = 4 };

enum { LINK_NAME = 256 }; /* NAME_MAX and the NUL */

/* What was made: by its inode, since a mount may lie on it. */
struct link_made { uint64_t device, inode; char name[LINK_NAME]; };
/* The last part is sent with LINK_MADE alone. */
struct link_message { uint32_t kind; int32_t value; struct link_made made; };
enum { LINK_PLAIN = offsetof(struct link_message, made) };

static inline void link_send(int fd, enum link_kind kind, int value)
{
	struct link_message message = {.kind = kind, .value = value};
	(void)send(fd, &message, LINK_PLAIN, MSG_NOSIGNAL);
}

union link_control { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; };

static inline void link_send_with(int fd, struct link_message *message, int along)
{
	union link_control control = {.header = {.cmsg_len = CMSG_LEN(sizeof along), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec text = {message, sizeof *message};
	struct msghdr packet = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	memcpy(CMSG_DATA(&control.header), &along, sizeof along);
	/* Where too many are on their way (ETOOMANYREFS), the other side has to take some first. */
	for (int tries = 0; sendmsg(fd, &packet, MSG_NOSIGNAL) < 0 && errno == ETOOMANYREFS && tries < 1000; tries++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static inline void link_send_made(int fd, int parent, const struct link_made *made, int how)
{
	struct link_message message = {.kind = LINK_MADE, .value = how, .made = *made};
	link_send_with(fd, &message, parent);
}

static inline void link_send_held(int fd, int lock)
{
	struct link_message message = {.kind = LINK_HELD};
	link_send_with(fd, &message, lock);
}

static inline void link_send_process(int fd, int process, int number)
{
	struct link_message message = {.kind = LINK_PROCESS, .value = number};
	link_send_with(fd, &message, process);
}

/* One message; *PARENT is the descriptor that came along, or -1. As recv(2): 0 at the end, -1 with errno. */
static inline ssize_t link_receive(int fd, struct link_message *message, int *parent)
{
	union link_control control = {0};
	struct iovec text = {message, sizeof *message};
	struct msghdr packet = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t length = recvmsg(fd, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*parent = -1;
	if (length > 0 && CMSG_FIRSTHDR(&packet) && control.header.cmsg_type == SCM_RIGHTS)
		memcpy(parent, CMSG_DATA(&control.header), sizeof *parent);
	message->made.name[LINK_NAME - 1] = '\0';
	return length;
}

#endif
