/* Connections of the box to the outside, from when they come to their end. */
#ifndef NSBOX_NET_OUTGOING_H
#define NSBOX_NET_OUTGOING_H

#include "net/names.h"
#include "net/rule.h"

void outgoing_set_up(const struct rules *rules, const struct names *names);
/* As listen_accepted(). */
void outgoing_accept(int fd, uint16_t port);

#endif
