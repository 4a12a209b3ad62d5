/*
 * Passes bytes between two connected sockets, in both directions, until both have ended. The end of one direction is
 * passed on alone; a failure ends both with a reset.
 */
#ifndef NSBOX_NET_RELAY_H
#define NSBOX_NET_RELAY_H

#include <stdbool.h>
#include <stdint.h>

struct relay_result {
	/* From the first socket to the second, and back. */
	uint64_t sent, received;
	/* errno of what ended it, or 0. */
	int error;
};

/* Called once, when both sockets are closed. */
typedef void relay_ended(void *owner, const struct relay_result *result);

/* Takes both sockets, of which none blocks. False with errno: there is no memory, and both are still the caller's. */
bool relay_start(int first, int second, bool box_is_first, relay_ended *ended, void *owner);
/* The box has ended: each connection ends as soon as what the box has sent is passed on. */
void relay_finish(void);

/* Closes a socket so that the other side learns that the connection has failed. */
void relay_reset(int fd);
/* What each connection gets: no wait for more bytes, and an end if the other machine is gone. */
void relay_set_up(int fd);

#endif
