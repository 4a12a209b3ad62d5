/* Sets up the box's own net namespace: its settings, and its loopback interface, which starts down. */
#ifndef NSBOX_NAMESPACES_NET_H
#define NSBOX_NAMESPACES_NET_H

#include <stdbool.h>

/*
 * Allows ping and ports below 1024 without capabilities. Call it once the ids are mapped, while a /proc is there whose
 * settings can be written.
 */
void net_open_up(bool ping, bool low_ports);
void net_raise_loopback(void);

#endif
