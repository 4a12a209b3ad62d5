/*
 * Looks up the addresses of names as the host does: its hosts file, its resolv.conf, by the C library, which reads both
 * for each name anew. A process of its own does it, with children that each look up one name.
 */
#ifndef NSBOX_NET_LOOKUP_H
#define NSBOX_NET_LOOKUP_H

#include <stddef.h>

#include "net/address.h"

enum { LOOKUP_MOST = 16 };

struct lookup;

/* Called once, with addresses of both families in turn; none if the name has none, or can't be looked up. */
typedef void lookup_ended(void *owner, const struct address *addresses, size_t count);

/* Starts the process; it calls CONFINE first. Fails by fail(). */
void lookup_set_up(void (*confine)(void));
/* NULL: there is no memory. NAME stays the caller's. */
struct lookup *lookup_start(const char *name, lookup_ended *ended, void *owner);
/* Ends it without a call. */
void lookup_cancel(struct lookup *lookup);

#endif
