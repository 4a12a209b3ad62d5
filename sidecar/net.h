/* The loopback interface of a new net namespace, which is down at first. */
#ifndef NSBOX_NET_H
#define NSBOX_NET_H

void net_raise_loopback(void);

#endif
