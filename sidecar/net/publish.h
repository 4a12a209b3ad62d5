/* Ports of the host that lead to servers in the box. */
#ifndef NSBOX_NET_PUBLISH_H
#define NSBOX_NET_PUBLISH_H

#include <stdint.h>

#include "net/address.h"

struct publish {
	/* Of the host. */
	struct address address;
	uint16_t port;
	/* The box's port, at its loopback addresses. */
	uint16_t inside;
};

/* Reads ADDRESS:PORT:INSIDE, an address of IPv6 in brackets. Returns NULL, or what is wrong with TEXT. */
const char *publish_read(const char *text, struct publish *publish);
/* Listens on the host. Fails by fail_hint(). */
void publish_listen(const struct publish *publish);
/* SOCKETS leads to a process in the box's network namespace that runs publish_serve_sockets(). */
void publish_set_up(int sockets);
/* Makes sockets, a kind that CHANNEL names by a byte, until the other end is closed. */
_Noreturn void publish_serve_sockets(int channel);

#endif
