/* The box's resolver: takes queries by UDP and TCP, and reports names that no rule names. */
#ifndef NSBOX_NET_RESOLVER_H
#define NSBOX_NET_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/names.h"
#include "net/rule.h"

/*
 * V6: names have addresses of IPv6, too. Connections that come to the socket TCP at another address than the
 * resolver's are not for it: they go to outgoing_accept(). Fails by fail().
 */
void resolver_set_up(const struct rules *rules, struct names *names, bool v6, int udp, int tcp);

#endif
