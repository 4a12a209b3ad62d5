#include "net/address.h"

#include <arpa/inet.h>
#include <string.h>

struct range {
	uint8_t bytes[16];
	uint8_t bits;
	const char *word;
};

#define LOOPBACK "loopback"
#define PRIVATE "private"
#define LINK_LOCAL "link-local"
#define MULTICAST "multicast"
#define RESERVED "reserved"
#define EMBEDDED "IPv4 within IPv6"

/* The first range that has an address decides. Cloud providers' metadata servers are link-local and private. */
static const struct range ranges4[] = {
	{{0}, 8, "unspecified"},
	{{10}, 8, PRIVATE},
	{{100, 64}, 10, "carrier-grade NAT"},
	{{127}, 8, LOOPBACK},
	{{169, 254}, 16, LINK_LOCAL},
	{{172, 16}, 12, PRIVATE},
	{{192, 0, 0}, 24, RESERVED},
	{{192, 0, 2}, 24, RESERVED},
	{{192, 31, 196}, 24, RESERVED},
	{{192, 52, 193}, 24, RESERVED},
	{{192, 88, 99}, 24, RESERVED},
	{{192, 168}, 16, PRIVATE},
	{{192, 175, 48}, 24, RESERVED},
	{{198, 18}, 15, "benchmark"},
	{{198, 51, 100}, 24, RESERVED},
	{{203, 0, 113}, 24, RESERVED},
	{{224}, 4, MULTICAST},
	{{255, 255, 255, 255}, 32, "broadcast"},
	{{240}, 4, RESERVED},
};

static const struct range ranges6[] = {
	{{0}, 128, "unspecified"},
	{{[15] = 1}, 128, LOOPBACK},
	{{[10] = 0xff, 0xff}, 96, EMBEDDED},
	{{[8] = 0xff, 0xff}, 96, EMBEDDED},
	{{0}, 96, EMBEDDED},
	{{0, 0x64, 0xff, 0x9b}, 32, EMBEDDED},
	{{0x20, 0x01}, 32, "Teredo"},
	{{0x20, 0x01}, 23, RESERVED},
	{{0x20, 0x01, 0x0d, 0xb8}, 32, RESERVED},
	{{0x20, 0x02}, 16, "6to4"},
	{{0x26, 0x20, 0, 0x4f, 0x80}, 48, RESERVED},
	{{0x3f, 0xff}, 20, RESERVED},
	{{0xfc}, 7, PRIVATE},
	{{0xfe, 0x80}, 10, LINK_LOCAL},
	{{0xfe, 0xc0}, 10, "site-local"},
	{{0xff}, 8, MULTICAST},
};

static bool is_in(const struct address *address, const struct range *range)
{
	size_t whole = range->bits / 8;
	unsigned rest = range->bits % 8;
	return memcmp(address->bytes, range->bytes, whole) == 0 &&
		   (rest == 0 || (address->bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0);
}

const char *address_range(const struct address *address)
{
	bool v4 = address->family == AF_INET;
	const struct range *ranges = v4 ? ranges4 : ranges6;
	size_t count = v4 ? sizeof ranges4 / sizeof *ranges4 : sizeof ranges6 / sizeof *ranges6;
	for (size_t i = 0; i < count; i++)
		if (is_in(address, &ranges[i]))
			return ranges[i].word;
	/* Of IPv6, 2000::/3 alone is in use. */
	return v4 || address->bytes[0] >> 5 == 1 ? NULL : RESERVED;
}

bool address_is_unusable(const struct address *address)
{
	static const struct range none4 = {{0}, 8, ""}, multicast4 = {{224}, 4, ""},
							  broadcast = {{255, 255, 255, 255}, 32, ""};
	static const struct range none6 = {{0}, 128, ""}, multicast6 = {{0xff}, 8, ""};
	if (address->family == AF_INET)
		return is_in(address, &none4) || is_in(address, &multicast4) || is_in(address, &broadcast);
	return is_in(address, &none6) || is_in(address, &multicast6);
}

bool address_read(const char *text, struct address *address)
{
	*address = (struct address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	return inet_pton(address->family, text, address->bytes) == 1;
}

void address_write(const struct address *address, char text[ADDRESS_TEXT])
{
	if (!inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT))
		*text = '\0';
}

bool address_is(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool address_of_socket(const struct sockaddr_storage *from, struct address *address, uint16_t *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	*address = (struct address){.family = from->ss_family};
	if (from->ss_family == AF_INET) {
		memcpy(address->bytes, &v4->sin_addr, sizeof v4->sin_addr);
		*port = ntohs(v4->sin_port);
	} else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		address->family = AF_INET;
		memcpy(address->bytes, v6->sin6_addr.s6_addr + 12, 4);
		*port = ntohs(v6->sin6_port);
	} else if (from->ss_family == AF_INET6) {
		memcpy(address->bytes, &v6->sin6_addr, sizeof v6->sin6_addr);
		*port = ntohs(v6->sin6_port);
	}
	return from->ss_family == AF_INET || from->ss_family == AF_INET6;
}

socklen_t address_to_socket(const struct address *address, uint16_t port, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof *to);
	if (address->family == AF_INET) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)to;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, address->bytes, sizeof v4->sin_addr);
		return sizeof *v4;
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, address->bytes, sizeof v6->sin6_addr);
	return sizeof *v6;
}
