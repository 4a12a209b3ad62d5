/* Reads the server's name out of the first bytes of a TLS connection: RFC 8446 section 4.1.2, RFC 6066 section 3. */
#ifndef NSBOX_NET_HELLO_H
#define NSBOX_NET_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "net/name.h"

enum hello {
	/* It has a name. */
	HELLO_NAME,
	/* It is a hello, but names no server. */
	HELLO_NO_NAME,
	/* More bytes have to come. */
	HELLO_PART,
	/* It isn't a hello of TLS, or names several servers. */
	HELLO_NONE,
};

/* A hello is at most this long, with the headers of the records that it comes in. */
enum { HELLO_SIZE = (16 << 10) + 64 };

/* Reads the LENGTH bytes that have come so far. NAME is as name_read() makes it. */
enum hello hello_read(const uint8_t *bytes, size_t length, char name[NAME_SIZE]);

#endif
