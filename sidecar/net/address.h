/* Addresses of both families, and which of them are not part of the public internet. */
#ifndef NSBOX_NET_ADDRESS_H
#define NSBOX_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	/* AF_INET: the first four bytes count, and the others are 0. */
	sa_family_t family;
	uint8_t bytes[16];
};

/* The largest text of an address with its NUL. */
enum { ADDRESS_TEXT = 46 };

/* Reads the usual form of an address: four decimal numbers without leading zeros, or IPv6 without a zone. */
bool address_read(const char *text, struct address *address);
void address_write(const struct address *address, char text[ADDRESS_TEXT]);
bool address_is(const struct address *a, const struct address *b);
/* The address of a socket. IPv4 within IPv6, as a socket for both families has it, becomes IPv4. */
bool address_of_socket(const struct sockaddr_storage *from, struct address *address, uint16_t *port);
/* Returns the length of TO. */
socklen_t address_to_socket(const struct address *address, uint16_t port, struct sockaddr_storage *to);

/*
 * The kind of a range that is not part of the public internet, by the registries of special-purpose addresses (RFC
 * 6890 and its successors): "loopback", "private"... NULL for a public address.
 */
const char *address_range(const struct address *address);
/* Whether no server can have it, whatever a caller allows: unspecified, broadcast, multicast. */
bool address_is_unusable(const struct address *address);

#endif
