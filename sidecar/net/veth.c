#include "net/veth.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "net/netlink.h"

#define BOX4 ((struct address){AF_INET, {198, 18, 0, 2}})
#define BOX6 ((struct address){AF_INET6, {0xfd, 'n', 's', 'b', 'o', 'x', [15] = 2}})
#define GATEWAY6 ((struct address){AF_INET6, {0xfd, 'n', 's', 'b', 'o', 'x', [15] = 1}})
#define ALL4 ((struct address){AF_INET, {198, 18}})
#define ALL6 ((struct address){AF_INET6, {0xfd, 'n', 's', 'b', 'o', 'x'}})

#define EVERY4 ((struct address){AF_INET, {0}})
#define EVERY6 ((struct address){AF_INET6, {0}})
/* IPv4 within IPv6, RFC 4291 2.5.5.2. */
#define MAPPED6 ((struct address){AF_INET6, {[10] = 0xff, [11] = 0xff}})
/* An address that a machine with IPv6 has a route to: one for documentation, RFC 3849. */
#define PUBLIC6 ((struct address){AF_INET6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}})

/* How many bits of each are the range's own. */
enum { BITS_NAMES4 = 16, BITS_NAMES6 = 64, BITS_ALL4 = 15, BITS_ALL6 = 48, BITS_MAPPED6 = 96 };

#define HERE "h0"
#define IN_BOX "eth0"
/* Fixed, so that neither kernel has to ask for the other's: administered locally, unicast. */
static const struct netlink_mac mac_here = {{0x02, 'n', 's', 'b', 'o', 1}},
								mac_in_box = {{0x02, 'n', 's', 'b', 'o', 2}};

enum { LOOPBACK = 1 /* the device's number in every network namespace */, BACKLOG = 4096, RESOLVER_PORT = 53 };

static const char *hint_for_namespace(void)
{
	if (errno == ENOSPC)
		return "as many network namespaces as may: see /proc/sys/user/max_net_namespaces";
	return errno == EPERM ? "the box needs a user namespace of its own here: --userns" : NULL;
}

static int open_namespace(int box, const char *name)
{
	int fd = openat(box, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_hint("open the box's namespace", name,
			errno == EACCES || errno == EPERM ? "the box's first process belongs to another user" : NULL);
	return fd;
}

static bool is_our_namespace(int fd, const char *path)
{
	struct stat theirs, ours;
	return fstat(fd, &theirs) == 0 && stat(path, &ours) == 0 && is_same_file(&theirs, &ours);
}

int veth_open_network(int box)
{
	int net = open_namespace(box, "ns/net");
	if (is_our_namespace(net, "/proc/self/ns/net"))
		fail_plain("the box has no network of its own", NULL);
	return net;
}

void veth_join_user(int box)
{
	int user = open_namespace(box, "ns/user");
	if (!is_our_namespace(user, "/proc/self/ns/user") && setns(user, CLONE_NEWUSER) < 0)
		fail("join the box's user namespace", NULL);
	close(user);
}

/* Joins the box's user namespace, which has its network namespace. Returns the network namespace. */
static int join_box(int box)
{
	int net = veth_open_network(box);
	veth_join_user(box);
	return net;
}

static void check(bool done, const char *what, const char *name)
{
	if (!done)
		fail(what, name);
}

static unsigned device_number(const char *name)
{
	unsigned number = if_nametoindex(name);
	check(number > 0, "find network device", name);
	return number;
}

/* Both ends of the pair are alike: no address of the kernel's own, and the other end is known. */
static void set_up_end(int netlink, unsigned device, const char *name, const struct address *peer4,
	const struct address *peer6, const struct netlink_mac *mac)
{
	check(netlink_stop_own_addresses(netlink, device), "set up", name);
	check(netlink_bring_up(netlink, device), "bring up", name);
	check(netlink_add_route(netlink, device, peer4, 32, NULL), "add a route to", name);
	check(netlink_add_neighbour(netlink, device, peer4, mac), "add the other end of", name);
	if (!peer6)
		return;
	check(netlink_add_route(netlink, device, peer6, 128, NULL), "add a route to", name);
	check(netlink_add_neighbour(netlink, device, peer6, mac), "add the other end of", name);
}

/* The rules' addresses, each once: the kernel refuses a route that is there already. */
static const struct rule *next_address(const struct rules *rules, size_t *at, bool v6)
{
	while (*at < rules->count) {
		const struct rule *rule = &rules->list[(*at)++];
		if (rule->kind != RULE_ADDRESS)
			continue;
		if (!v6 && rule->address.family == AF_INET6)
			fail_plain("the box's network can't have IPv6 here", rule->name);
		return rule;
	}
	return NULL;
}

static unsigned bits_of(const struct address *address) { return address->family == AF_INET ? 32 : 128; }

static void set_up_here(int netlink, unsigned device, const struct rules *rules, bool v6)
{
	check(netlink_bring_up(netlink, LOOPBACK), "bring up", "lo");
	check(netlink_add_local(netlink, LOOPBACK, &VETH_RESOLVER, 32), "add a route to", "lo");
	check(netlink_add_local(netlink, LOOPBACK, &VETH_NAMES4, BITS_NAMES4), "add a route to", "lo");
	if (v6)
		check(netlink_add_local(netlink, LOOPBACK, &VETH_NAMES6, BITS_NAMES6), "add a route to", "lo");
	const struct rule *rule;
	for (size_t at = 0; (rule = next_address(rules, &at, v6));)
		check(netlink_add_local(netlink, LOOPBACK, &rule->address, bits_of(&rule->address)) || errno == EEXIST,
			"add a route to", rule->name);
	set_up_end(netlink, device, HERE, &BOX4, v6 ? &BOX6 : NULL, &mac_in_box);
}

/* The box's end goes up last. */
static void set_up_in_box(int netlink, unsigned device, const struct rules *rules, bool v6)
{
	check(netlink_add_address(netlink, device, &BOX4), "add an address to", IN_BOX);
	set_up_end(netlink, device, IN_BOX, &VETH_RESOLVER, v6 ? &GATEWAY6 : NULL, &mac_here);
	check(netlink_add_route(netlink, device, &ALL4, BITS_ALL4, &VETH_RESOLVER), "add a route to", IN_BOX);
	if (v6)
		check(netlink_add_route(netlink, device, &ALL6, BITS_ALL6, &GATEWAY6), "add a route to", IN_BOX);
	const struct rule *rule;
	for (size_t at = 0; (rule = next_address(rules, &at, v6));) {
		const struct address *via = rule->address.family == AF_INET ? &VETH_RESOLVER : &GATEWAY6;
		check(netlink_add_route(netlink, device, &rule->address, bits_of(&rule->address), via) || errno == EEXIST,
			"add a route to", rule->name);
	}
}

static int open_socket(const struct address *address, uint16_t port, int type, bool both)
{
	struct sockaddr_storage to;
	socklen_t length = address_to_socket(address, port, &to);
	int fd = socket(address->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), no = 0;
	if (fd >= 0 && both)
		check(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0, "set up a socket", NULL);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, length) < 0 || (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
		fail("make a socket in the box's second network namespace", NULL);
	return fd;
}

static bool has_listener(const struct veth_sockets *sockets, uint16_t port)
{
	for (unsigned i = 0; i < sockets->count; i++)
		if (sockets->listeners[i].port == port)
			return true;
	return false;
}

static bool has_port(const struct rules *rules, uint16_t port)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->list[i].port == port)
			return true;
	return false;
}

/* A port is listened on at all addresses: the one that a connection came to says which name was meant. */
static void open_sockets(const struct rules *rules, struct veth_sockets *sockets)
{
	const struct address any4 = {.family = AF_INET}, any6 = {.family = AF_INET6}, *any = sockets->v6 ? &any6 : &any4;
	sockets->udp = open_socket(&VETH_RESOLVER, RESOLVER_PORT, SOCK_DGRAM, false);
	/* An allowed port 53 would be the resolver's, too: its socket takes connections for both. */
	bool shared = has_port(rules, RESOLVER_PORT);
	sockets->tcp = shared ? open_socket(any, RESOLVER_PORT, SOCK_STREAM, sockets->v6)
						  : open_socket(&VETH_RESOLVER, RESOLVER_PORT, SOCK_STREAM, false);
	for (size_t i = 0; i < rules->count; i++) {
		uint16_t port = rules->list[i].port;
		if (port == RESOLVER_PORT || has_listener(sockets, port))
			continue;
		if (sockets->count == VETH_MAX_PORTS)
			fail_plain("more than 1024 ports are allowed", NULL);
		int fd = open_socket(any, port, SOCK_STREAM, sockets->v6);
		sockets->listeners[sockets->count++] = (struct veth_listener){fd, port};
	}
}

/* Whether the box and its second network namespace, in which we are, can have addresses of IPv6. */
static bool take_v6_address(int netlink, unsigned device) { return netlink_add_address(netlink, device, &BOX6); }

void veth_leave(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		fail_hint("make the box's second network namespace", NULL, hint_for_namespace());
}

static int open_netlink(void)
{
	int netlink = netlink_open();
	check(netlink >= 0, "open netlink", NULL);
	return netlink;
}

/*
 * What comes from outside has packets of Ethernet's length. What a process here passes on has none yet, and long ones
 * cost less: 1 GiB arrives in four fifths of the time.
 */
enum { MTU_ETHERNET = 1500, MTU_LONGEST = 65535 };

static void add_pair(int netlink, uint32_t mtu, int net)
{
	if (!netlink_add_pair(netlink, HERE, &mac_here, IN_BOX, &mac_in_box, mtu, net))
		fail_hint("make a pair of network devices", "veth",
			errno == EOPNOTSUPP || errno == ENODEV
				? "this kernel has no veth (CONFIG_VETH), which a box's own network needs to lead anywhere"
				: NULL);
}

/* Whether a packet to ADDRESS would leave the network namespace that we are in. Nothing is sent. */
static bool has_route(const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t length = address_to_socket(address, 9, &to);
	int fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && connect(fd, (struct sockaddr *)&to, length) == 0;
	descriptor_close(fd);
	return has;
}

/*
 * What the box sends is passed on as by any router, whose kernel passes on no packet to or from a loopback address,
 * whatever made it. Addresses of IPv4 within IPv6 don't count as such, but a socket of IPv6 takes them for IPv4.
 */
static void set_up_router(int netlink, unsigned device, unsigned out, bool v6)
{
	set_up_end(netlink, device, HERE, &BOX4, v6 ? &BOX6 : NULL, &mac_in_box);
	check(netlink_forward(netlink, device) && netlink_forward(netlink, out), "pass packets on from", HERE);
	if (v6)
		check(netlink_add_unreachable(netlink, &MAPPED6, BITS_MAPPED6), "add a route to", "::ffff:0:0/96");
}

static void set_up_routed(int netlink, unsigned device, bool v6)
{
	check(netlink_add_address(netlink, device, &BOX4), "add an address to", IN_BOX);
	set_up_end(netlink, device, IN_BOX, &VETH_RESOLVER, v6 ? &GATEWAY6 : NULL, &mac_here);
	check(netlink_add_route(netlink, device, &EVERY4, 0, &VETH_RESOLVER), "add a route to", IN_BOX);
	if (v6)
		check(netlink_add_route(netlink, device, &EVERY6, 0, &GATEWAY6), "add a route to", IN_BOX);
}

void veth_route(int second, int net, const char *out, bool v6)
{
	check(setns(second, CLONE_NEWNET) == 0, "join the box's second network namespace", NULL);
	int here = open_netlink();
	v6 = v6 && has_route(&PUBLIC6);
	add_pair(here, MTU_ETHERNET, net);
	set_up_router(here, device_number(HERE), device_number(out), v6);
	check(setns(net, CLONE_NEWNET) == 0, "join the box's network namespace", NULL);
	int in_box = open_netlink();
	unsigned device = device_number(IN_BOX);
	v6 = v6 && netlink_add_address(in_box, device, &BOX6);
	set_up_routed(in_box, device, v6);
	check(setns(second, CLONE_NEWNET) == 0, "join the box's second network namespace", NULL);
	check(netlink_start_sending(here, device_number(HERE)), "start sending by", HERE);
	close(here);
	close(in_box);
}

void veth_make(int box, const struct rules *rules, struct veth_sockets *sockets)
{
	int net = join_box(box);
	veth_leave();
	int here = open_netlink();
	add_pair(here, MTU_LONGEST, net);
	int second = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	check(second >= 0, "open our network namespace", NULL);
	check(setns(net, CLONE_NEWNET) == 0, "join the box's network namespace", NULL);
	int in_box = open_netlink();
	unsigned device = device_number(IN_BOX);
	sockets->v6 = take_v6_address(in_box, device);
	check(setns(second, CLONE_NEWNET) == 0, "join our network namespace", NULL);
	unsigned device_here = device_number(HERE);
	set_up_here(here, device_here, rules, sockets->v6);
	open_sockets(rules, sockets);
	set_up_in_box(in_box, device, rules, sockets->v6);
	check(netlink_start_sending(here, device_here), "start sending by", HERE);
	close(here);
	close(in_box);
	close(second);
	check(setns(net, CLONE_NEWNET) == 0, "join the box's network namespace", NULL);
	close(net);
}

void veth_join(int box)
{
	int net = join_box(box);
	check(setns(net, CLONE_NEWNET) == 0, "join the box's network namespace", NULL);
	close(net);
}
