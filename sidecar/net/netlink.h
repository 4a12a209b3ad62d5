/* Changes network devices, addresses and routes of the network namespace that we are in: rtnetlink(7). */
#ifndef NSBOX_NET_NETLINK_H
#define NSBOX_NET_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

/* An address of a network device. */
struct netlink_mac {
	uint8_t bytes[6];
};

/*
 * Opens a connection to the kernel, which stays with the network namespace of this moment. -1 with errno. All others
 * return false with errno.
 */
int netlink_open(void);
/*
 * Makes the pair of devices NAME, with address MAC, and PEER, with PEER_MAC, in the network namespace NAMESPACE. MTU:
 * the longest packet of both, in bytes.
 */
bool netlink_add_pair(int netlink, const char *name, const struct netlink_mac *mac, const char *peer,
	const struct netlink_mac *peer_mac, uint32_t mtu, int namespace);
/* Keeps the kernel from giving the device an address of IPv6. True also if the kernel has no IPv6. */
bool netlink_stop_own_addresses(int netlink, unsigned device);
bool netlink_bring_up(int netlink, unsigned device);
/*
 * Lets a device send from now on whose other end came up after it. The kernel would do so by itself, but some time
 * later (its link watch), and drop what is sent until then. Another length of its queue, of which it makes no
 * use, has the queue made anew at once: Linux 4.16.
 */
bool netlink_start_sending(int netlink, unsigned device);
/* Gives the device ADDRESS alone, not that of a network. */
bool netlink_add_address(int netlink, unsigned device, const struct address *address);
/* What is sent to the first BITS of TO arrives here. */
bool netlink_add_local(int netlink, unsigned device, const struct address *to, unsigned bits);
/* What is sent to the first BITS of TO leaves by the device, to the machine VIA, or to TO itself if that is NULL. */
bool netlink_add_route(
	int netlink, unsigned device, const struct address *to, unsigned bits, const struct address *via);
/* What is sent to the first BITS of TO is refused. */
bool netlink_add_unreachable(int netlink, const struct address *to, unsigned bits);
/* What arrives at the device for other machines of IPv4 is passed on. */
bool netlink_forward(int netlink, unsigned device);
/* The machine ADDRESS has the device address MAC, which needn't be asked for. */
bool netlink_add_neighbour(int netlink, unsigned device, const struct address *address, const struct netlink_mac *mac);

#endif
