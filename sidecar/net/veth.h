/*
 * The box's way out: a second network namespace, joined to the box's by a pair of devices. Its sockets are handed to
 * us, and they alone keep it alive: it ends with us, and the pair with it.
 *
 *     box                                            second namespace
 *     eth0 198.18.0.2  ------- a pair of veth ------- h0
 *          198.18.0.0/15 by 198.18.0.1                198.18.0.1, 198.19.0.0/16 and allowed addresses are local
 *
 * IPv6, where the kernel has it, is the same with a range of its own. There is no other route, so nothing else leaves
 * the box. A box that reaches all that the host does has the same pair, and the second namespace is a router: pasta.h.
 */
#ifndef NSBOX_NET_VETH_H
#define NSBOX_NET_VETH_H

#include "net/address.h"
#include "net/rule.h"

/* The resolver. */
#define VETH_RESOLVER ((struct address){AF_INET, {198, 18, 0, 1}})
/* Addresses of names: names.h. */
#define VETH_NAMES4 ((struct address){AF_INET, {198, 19}})
#define VETH_NAMES6 ((struct address){AF_INET6, {0xfd, 'n', 's', 'b', 'o', 'x', 0, 1}})

enum { VETH_MAX_PORTS = 1024 };

/* All sockets of the second namespace. */
struct veth_sockets {
	int udp, tcp;
	struct veth_listener {
		int fd;
		uint16_t port;
	} listeners[VETH_MAX_PORTS];
	unsigned count;
	/* Whether names have addresses of IPv6, too. */
	bool v6;
};

/*
 * Makes the second namespace and the pair of devices, and returns the sockets: the resolver's, and a listener for each
 * port of RULES. BOX is the directory of a process of the box in /proc. Fails by fail_hint().
 */
void veth_make(int box, const struct rules *rules, struct veth_sockets *sockets);

/* Joins the network namespace of the box alone. */
void veth_join(int box);

/* The pieces for a box whose second namespace is a router (pasta.h). All fail by fail_hint(). */
/* Opens the box's network namespace, which must not be ours. */
int veth_open_network(int box);
/* Joins the box's user namespace, if that isn't ours. */
void veth_join_user(int box);
/* Goes into a new network namespace, which becomes the second one. */
void veth_leave(void);
/*
 * Joins the box's network namespace NET to SECOND, in which we are afterwards, and makes SECOND a router between NET
 * and the device OUT. V6: SECOND may pass on IPv6; it does so if it has a route.
 */
void veth_route(int second, int net, const char *out, bool v6);

#endif
