/* Hands descriptors from one process to another by a socket: unix(7), SCM_RIGHTS. */
#ifndef NSBOX_NET_PASS_H
#define NSBOX_NET_PASS_H

#include <stdbool.h>

/* Sends a number, and the descriptor FD unless it is negative. False with errno. */
bool pass_send(int channel, int number, int fd);
/* *FD is -1 if none has come. False with errno; 0: the other end is closed. */
bool pass_receive(int channel, int *number, int *fd);

#endif
