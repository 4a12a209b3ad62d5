#include "net/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool pass_send(int channel, int number, int fd)
{
	union control control = {.header = {
								 .cmsg_len = CMSG_LEN(sizeof fd),
								 .cmsg_level = SOL_SOCKET,
								 .cmsg_type = SCM_RIGHTS,
							 }};
	struct iovec text = {&number, sizeof number};
	struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
	}
	ssize_t sent;
	do
		sent = sendmsg(channel, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof number;
}

bool pass_receive(int channel, int *number, int *fd)
{
	union control control = {0};
	struct iovec text = {number, sizeof *number};
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got;
	do
		got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*fd = -1;
	if (got == 0)
		errno = 0;
	if (got != sizeof *number)
		return false;
	if (CMSG_FIRSTHDR(&message) && control.header.cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(&control.header), sizeof *fd);
	return true;
}
