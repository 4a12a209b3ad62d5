/* A checker of UTF-8, RFC 3629. */
#ifndef NSBOX_BASE_UTF8_H
#define NSBOX_BASE_UTF8_H

#include <stddef.h>

/* Length of the UTF-8 sequence that starts at P, where LEFT bytes are left, at least one; 0 for an invalid one. */
size_t utf8_length(const unsigned char *p, size_t left);

#endif
