/* Connects to the first of some addresses that answers. */
#ifndef NSBOX_NET_DIAL_H
#define NSBOX_NET_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

enum { DIAL_MOST = 8 };

struct dial;

/* Called once: with a connected socket and its address, or with -1 and the errno of the last failure. */
typedef void dial_ended(void *owner, int fd, const struct address *address, int error);
/* Makes a socket for addresses of FAMILY that doesn't block. -1 with errno. */
typedef int dial_socket(sa_family_t family);

/*
 * Connects to one address after the other; the next is tried, too, if one has failed or takes more than a moment, as
 * RFC 8305 has it. Returns NULL if there is no memory.
 */
struct dial *dial_start(const struct address *addresses, size_t count, uint16_t port, dial_socket *make_socket,
	dial_ended *ended, void *owner);
/* Ends it without a call. */
void dial_cancel(struct dial *dial);

#endif
