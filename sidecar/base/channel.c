#include "base/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

void channel_send(int fd, enum channel_kind kind, int value)
{
	struct channel_message message = {.kind = kind, .value = value};
	(void)send(fd, &message, CHANNEL_PLAIN, MSG_NOSIGNAL);
}

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int[CHANNEL_ALONG]))];
};

static void send_with(int fd, struct channel_message *message, struct channel_along along)
{
	size_t size = along.fd[1] < 0 ? sizeof(int) : sizeof along.fd;
	union control control = {.header = {.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec text = {message, sizeof *message};
	struct msghdr packet = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(size)};
	memcpy(CMSG_DATA(&control.header), along.fd, size);
	/* ETOOMANYREFS: too many descriptors are in flight (Linux 4.5), so the supervisor has to receive some first. */
	for (int tries = 0; sendmsg(fd, &packet, MSG_NOSIGNAL) < 0 && errno == ETOOMANYREFS && tries < 1000; tries++)
		clock_sleep(1000);
}

void channel_send_made(int fd, int parent, int lock, const struct channel_made *made, int how)
{
	struct channel_message message = {.kind = CHANNEL_MADE, .value = how, .made = *made};
	send_with(fd, &message, (struct channel_along){{parent, lock}});
}

void channel_send_lock(int fd, int lock)
{
	struct channel_message message = {.kind = CHANNEL_LOCK};
	send_with(fd, &message, (struct channel_along){{lock, -1}});
}

void channel_send_process(int fd, int process, int number)
{
	struct channel_message message = {.kind = CHANNEL_PROCESS, .value = number};
	send_with(fd, &message, (struct channel_along){{process, -1}});
}

ssize_t channel_receive(int fd, struct channel_message *message, struct channel_along *along)
{
	union control control = {0};
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
