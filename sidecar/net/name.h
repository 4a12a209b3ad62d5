/* Host names as rules and queries have them. */
#ifndef NSBOX_NET_NAME_H
#define NSBOX_NET_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* The longest name in text, RFC 1035 section 2.3.4, and a NUL. */
enum { NAME_SIZE = 254, NAME_MAX_LABEL = 63 };

/*
 * Puts a host name into NAME: ASCII, in lower case, without the one dot that may end it. Returns NULL, or what is wrong
 * with TEXT. A name whose last part is a number is none: C libraries take it as an address ("0x7f.1").
 */
const char *name_read(const char *text, size_t length, char name[NAME_SIZE]);
/* Whether NAME is PARENT with one or more labels before it. */
bool name_is_below(const char *name, const char *parent);
/* Whether NAME is localhost or below it, RFC 6761 section 6.3. */
bool name_is_localhost(const char *name);

#endif
