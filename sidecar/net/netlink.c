#include "net/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* No request here is as large. */
enum { ROOM = 512 };

struct request {
	union {
		struct nlmsghdr header;
		uint8_t bytes[ROOM];
	};
};

int netlink_open(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

/* Begins a request with its fixed part. */
static void begin_request(struct request *request, int type, int flags, const void *fixed, size_t length)
{
	*request = (struct request){.header = {
									.nlmsg_len = NLMSG_LENGTH((uint32_t)length),
									.nlmsg_type = (uint16_t)type,
									.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
								}};
	memcpy(NLMSG_DATA(&request->header), fixed, length);
}

static size_t used_of(const struct request *request) { return NLMSG_ALIGN(request->header.nlmsg_len); }

/* Adds an attribute, or the begin of a nested one. Returns where it stands. */
static size_t add_attribute(struct request *request, int type, const void *data, size_t length)
{
	size_t at = used_of(request);
	struct rtattr attribute = {.rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = (uint16_t)type};
	memcpy(request->bytes + at, &attribute, sizeof attribute);
	if (length)
		memcpy(request->bytes + at + RTA_LENGTH(0), data, length);
	request->header.nlmsg_len = (uint32_t)(at + RTA_ALIGN(attribute.rta_len));
	return at;
}

static void end_nested(struct request *request, size_t at)
{
	uint16_t length = (uint16_t)(used_of(request) - at);
	memcpy(request->bytes + at + offsetof(struct rtattr, rta_len), &length, sizeof length);
}

static void add_name(struct request *request, int type, const char *text)
{
	add_attribute(request, type, text, strlen(text) + 1);
}

/* Sends the request and reads whether it was carried out. */
static bool ask(int netlink, const struct request *request)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t rest[ROOM];
	} reply;
	if (send(netlink, request, request->header.nlmsg_len, 0) < 0)
		return false;
	ssize_t length;
	do
		length = recv(netlink, &reply, sizeof reply, 0);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return false;
	errno =
		length >= (ssize_t)(sizeof reply.header + sizeof reply.error.error) && reply.header.nlmsg_type == NLMSG_ERROR
			? -reply.error.error
			: EPROTO;
	return errno == 0;
}

bool netlink_add_pair(int netlink, const char *name, const struct netlink_mac *mac, const char *peer,
	const struct netlink_mac *peer_mac, uint32_t mtu, int namespace)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	struct request request;
	begin_request(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
	add_name(&request, IFLA_IFNAME, name);
	add_attribute(&request, IFLA_ADDRESS, mac, sizeof *mac);
	add_attribute(&request, IFLA_MTU, &mtu, sizeof mtu);
	size_t info = add_attribute(&request, IFLA_LINKINFO, NULL, 0);
	add_name(&request, IFLA_INFO_KIND, "veth");
	size_t data = add_attribute(&request, IFLA_INFO_DATA, NULL, 0);
	size_t other = add_attribute(&request, VETH_INFO_PEER, &link, sizeof link);
	add_name(&request, IFLA_IFNAME, peer);
	add_attribute(&request, IFLA_ADDRESS, peer_mac, sizeof *peer_mac);
	add_attribute(&request, IFLA_MTU, &mtu, sizeof mtu);
	add_attribute(&request, IFLA_NET_NS_FD, &namespace, sizeof namespace);
	end_nested(&request, other);
	end_nested(&request, data);
	end_nested(&request, info);
	return ask(netlink, &request);
}

bool netlink_stop_own_addresses(int netlink, unsigned device)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)device};
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct request request;
	begin_request(&request, RTM_NEWLINK, 0, &link, sizeof link);
	size_t families = add_attribute(&request, IFLA_AF_SPEC, NULL, 0);
	size_t family = add_attribute(&request, AF_INET6, NULL, 0);
	add_attribute(&request, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
	end_nested(&request, family);
	end_nested(&request, families);
	return ask(netlink, &request) || errno == EAFNOSUPPORT || errno == EOPNOTSUPP;
}

bool netlink_bring_up(int netlink, unsigned device)
{
	const struct ifinfomsg link = {
		.ifi_family = AF_UNSPEC, .ifi_index = (int)device, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct request request;
	begin_request(&request, RTM_NEWLINK, 0, &link, sizeof link);
	return ask(netlink, &request);
}

bool netlink_start_sending(int netlink, unsigned device)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)device};
	const uint32_t length = 999;
	struct request request;
	begin_request(&request, RTM_NEWLINK, 0, &link, sizeof link);
	add_attribute(&request, IFLA_TXQLEN, &length, sizeof length);
	return ask(netlink, &request);
}

static size_t length_of(const struct address *address) { return address->family == AF_INET ? 4 : 16; }

bool netlink_add_address(int netlink, unsigned device, const struct address *address)
{
	const struct ifaddrmsg fixed = {
		.ifa_family = (uint8_t)address->family,
		.ifa_prefixlen = (uint8_t)(length_of(address) * 8),
		/* Nobody else can have it, so the kernel needn't look. */
		.ifa_flags = IFA_F_NODAD,
		.ifa_index = device,
	};
	struct request request;
	begin_request(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
	add_attribute(&request, IFA_LOCAL, address->bytes, length_of(address));
	add_attribute(&request, IFA_ADDRESS, address->bytes, length_of(address));
	return ask(netlink, &request);
}

static void begin_route(
	struct request *request, struct rtmsg *fixed, unsigned device, const struct address *to, unsigned bits)
{
	fixed->rtm_family = (uint8_t)to->family;
	fixed->rtm_dst_len = (uint8_t)bits;
	fixed->rtm_protocol = RTPROT_STATIC;
	begin_request(request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, fixed, sizeof *fixed);
	add_attribute(request, RTA_DST, to->bytes, length_of(to));
	add_attribute(request, RTA_OIF, &device, sizeof device);
}

bool netlink_add_local(int netlink, unsigned device, const struct address *to, unsigned bits)
{
	struct rtmsg fixed = {.rtm_table = RT_TABLE_LOCAL, .rtm_type = RTN_LOCAL, .rtm_scope = RT_SCOPE_HOST};
	struct request request;
	begin_route(&request, &fixed, device, to, bits);
	return ask(netlink, &request);
}

bool netlink_add_route(int netlink, unsigned device, const struct address *to, unsigned bits, const struct address *via)
{
	struct rtmsg fixed = {
		.rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST, .rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK};
	struct request request;
	begin_route(&request, &fixed, device, to, bits);
	if (via)
		add_attribute(&request, RTA_GATEWAY, via->bytes, length_of(via));
	return ask(netlink, &request);
}

bool netlink_add_unreachable(int netlink, const struct address *to, unsigned bits)
{
	const struct rtmsg fixed = {
		.rtm_family = (uint8_t)to->family,
		.rtm_dst_len = (uint8_t)bits,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNREACHABLE,
	};
	struct request request;
	begin_request(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
	add_attribute(&request, RTA_DST, to->bytes, length_of(to));
	return ask(netlink, &request);
}

bool netlink_forward(int netlink, unsigned device)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)device};
	const uint32_t yes = 1;
	struct request request;
	begin_request(&request, RTM_NEWLINK, 0, &link, sizeof link);
	size_t families = add_attribute(&request, IFLA_AF_SPEC, NULL, 0);
	size_t family = add_attribute(&request, AF_INET, NULL, 0);
	size_t settings = add_attribute(&request, IFLA_INET_CONF, NULL, 0);
	add_attribute(&request, IPV4_DEVCONF_FORWARDING, &yes, sizeof yes);
	end_nested(&request, settings);
	end_nested(&request, family);
	end_nested(&request, families);
	return ask(netlink, &request);
}

bool netlink_add_neighbour(int netlink, unsigned device, const struct address *address, const struct netlink_mac *mac)
{
	const struct ndmsg fixed = {
		.ndm_family = (uint8_t)address->family, .ndm_ifindex = (int)device, .ndm_state = NUD_PERMANENT};
	struct request request;
	begin_request(&request, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &fixed, sizeof fixed);
	add_attribute(&request, NDA_DST, address->bytes, length_of(address));
	add_attribute(&request, NDA_LLADDR, mac, sizeof *mac);
	return ask(netlink, &request);
}
