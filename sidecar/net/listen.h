/*
 * Accepts connections, as many as there may be at once. When there are as many, or no descriptor is left, the others
 * wait in the kernel's queue.
 */
#ifndef NSBOX_NET_LISTEN_H
#define NSBOX_NET_LISTEN_H

#include <stdint.h>
#include <sys/socket.h>

/* A connection has come to PORT: FD, which doesn't block, is the callee's, which calls listen_closed() at its end. */
typedef void listen_accepted(int fd, uint16_t port);

/* How many connections there may be at once, of all listeners. Before the first listener. */
void listen_set_most(unsigned most);
/* Fails by fail(). */
void listen_add(int fd, uint16_t port, listen_accepted *accepted);
/* A connection has ended. */
void listen_closed(void);
/* Accepts those that have come, and no more. Ends this process once all have ended. */
void listen_finish(void);

#endif
