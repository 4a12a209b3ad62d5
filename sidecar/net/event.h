/*
 * Reports what the box has tried, as JSON lines. Connections, when they have ended; "error" is a name of errno(3), and
 * ENOENT if the name has no address:
 *
 *     {"event":"connect","host":"example.org","port":443,"allowed":true,
 *      "address":"93.184.216.34","error":"ECONNRESET","bytesSent":1,"bytesReceived":2}
 *
 * Connections that were refused; "reason" is "name", "port", "sni", or "address" with the address that was refused:
 *
 *     {"event":"connect","host":"example.org","port":443,"allowed":false,
 *      "reason":"address","address":"10.0.0.1","range":"private"}
 *
 * Names that were refused, "name" or "too-many-names":
 *
 *     {"event":"resolve","host":"example.com","allowed":false,"reason":"name"}
 *
 * Connections to published ports, with what the box has sent and received:
 *
 *     {"event":"accept","port":8080,"inside":80,"peer":"127.0.0.1","bytesSent":1,"bytesReceived":2}
 *
 * What nobody reads in time is dropped, and the next line says how many were:
 *
 *     {"event":"dropped","count":3}
 */
#ifndef NSBOX_NET_EVENT_H
#define NSBOX_NET_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/relay.h"

/* Why something isn't allowed. */
enum event_reason {
	/* No rule names the name. */
	EVENT_NAME,
	/* A rule names it, with another port. */
	EVENT_PORT,
	/* All its addresses are of ranges that aren't part of the public internet. */
	EVENT_ADDRESS,
	/* The connection doesn't begin with a TLS hello for the name. */
	EVENT_SNI,
	/* As many names have addresses as may. */
	EVENT_TOO_MANY,
};

/* Events go to FD, or nowhere if it is -1. */
void event_set_up(int fd);
void event_refused_name(const char *name, enum event_reason reason);
void event_refused(const char *host, uint16_t port, enum event_reason reason, const struct address *address);
/* ADDRESS is NULL if no connection was made. */
void event_connected(const char *host, uint16_t port, const struct address *address, const struct relay_result *result);
void event_accepted(uint16_t port, uint16_t inside, const struct address *peer, const struct relay_result *result);

#endif
