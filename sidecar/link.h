/* What the box tells the process that supervises it, over a socket: fixed messages, since the box is not trusted. */
#ifndef NSBOX_LINK_H
#define NSBOX_LINK_H

#include <stdint.h>
#include <sys/socket.h>

enum link_kind {
	LINK_STARTED = 1, /* the command was executed */
	LINK_STOPPED = 2, /* the command was stopped by the signal VALUE */
	LINK_ENDED = 3,   /* VALUE is its wait status */
	LINK_FAILED = 4,  /* nsbox could not do it; VALUE is the exit status */
};

struct link_message { uint32_t kind; int32_t value; };

static inline void link_send(int fd, enum link_kind kind, int value)
{
	struct link_message message = {kind, value};
	(void)send(fd, &message, sizeof message, MSG_NOSIGNAL);
}

#endif
