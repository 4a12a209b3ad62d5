/* The box's own net namespace: its settings, and its loopback interface, which is down at first. */
#ifndef NSBOX_NAMESPACES_NET_H
#define NSBOX_NAMESPACES_NET_H

#include <stdbool.h>

/* Once the ids are mapped, and while there is a /proc whose settings can be written. */
void net_open_up(bool ping, bool low_ports);
void net_raise_loopback(void);

#endif
