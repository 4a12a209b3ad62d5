/*
 * Pipes that bytes wait in between two sockets. One is needed only while its bytes can't be passed on, so connections
 * share some.
 */
#ifndef NSBOX_NET_PIPES_H
#define NSBOX_NET_PIPES_H

#include <stdbool.h>

struct pipe_ends {
	int read, write;
};

/* False: as many descriptors are open as may. */
bool pipes_take(struct pipe_ends *ends);
/* EMPTY: nothing is in it. */
void pipes_give_back(struct pipe_ends *ends, bool empty);

#endif
