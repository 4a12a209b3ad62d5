#include "net/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/report.h"
#include "net/dial.h"
#include "net/event.h"
#include "net/listen.h"
#include "net/pass.h"
#include "net/relay.h"
#include "net/rule.h"

enum { MOST_PUBLISHED = 256, BACKLOG = 1024 };

struct incoming {
	int fd;
	const struct publish *publish;
	struct address peer;
};

/* The listener of number N has "port" N: two may have the same port at different addresses. */
static const struct publish *published[MOST_PUBLISHED];
static unsigned count;
static int sockets;

const char *publish_read(const char *text, struct publish *publish)
{
	char address[ADDRESS_TEXT + 2], port[6];
	const char *inside = strrchr(text, ':'), *middle = inside;
	while (middle && middle > text && *--middle != ':')
		;
	if (!middle || middle == text || (size_t)(inside - middle - 1) >= sizeof port)
		return "has to be ADDRESS:PORT:PORT";
	memcpy(port, middle + 1, (size_t)(inside - middle - 1));
	port[inside - middle - 1] = '\0';
	publish->port = rule_read_port(port);
	publish->inside = rule_read_port(inside + 1);
	if (!publish->port || !publish->inside)
		return "needs ports from 1 to 65535";
	bool bracketed = *text == '[' && middle[-1] == ']';
	size_t length = (size_t)(middle - text) - (bracketed ? 2 : 0);
	if (length >= sizeof address)
		return "needs an address of this machine";
	memcpy(address, text + bracketed, length);
	address[length] = '\0';
	if (!address_read(address, &publish->address) || bracketed != (publish->address.family == AF_INET6))
		return "needs an address of this machine";
	return NULL;
}

/* --- The process in the box's network namespace --- */

void publish_serve_sockets(int channel)
{
	for (;;) {
		sa_family_t family;
		ssize_t length = recv(channel, &family, sizeof family, 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length != sizeof family)
			_exit(0);
		int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		pass_send(channel, fd < 0 ? errno : 0, fd);
		if (fd >= 0)
			close(fd);
	}
}

/* --- This process --- */

static void incoming_ended(void *owner, const struct relay_result *result)
{
	struct incoming *incoming = owner;
	event_accepted(incoming->publish->port, incoming->publish->inside, &incoming->peer, result);
	free(incoming);
	listen_closed();
}

static void fail_incoming(struct incoming *incoming, int error)
{
	relay_reset(incoming->fd);
	incoming_ended(incoming, &(struct relay_result){.error = error});
}

static void incoming_dialled(void *owner, int fd, const struct address *address, int error)
{
	struct incoming *incoming = owner;
	(void)address;
	if (fd < 0) {
		fail_incoming(incoming, error);
		return;
	}
	relay_set_up(fd);
	if (!relay_start(incoming->fd, fd, false, incoming_ended, incoming)) {
		error = errno;
		relay_reset(fd);
		fail_incoming(incoming, error);
	}
}

/* The process answers at once. A socket belongs to the network namespace in which it was made, whoever connects it. */
static int make_inside_socket(sa_family_t family)
{
	int fd = -1, number = 0;
	if (send(sockets, &family, sizeof family, MSG_NOSIGNAL) < 0 || !pass_receive(sockets, &number, &fd))
		return -1;
	if (fd < 0)
		errno = number;
	return fd;
}

static void publish_accept(int fd, uint16_t number)
{
	static const struct address loopbacks[] = {{AF_INET, {127, 0, 0, 1}}, {AF_INET6, {[15] = 1}}};
	struct incoming *incoming = calloc(1, sizeof *incoming);
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	uint16_t port;
	if (!incoming || getpeername(fd, (struct sockaddr *)&peer, &length) < 0 ||
		!address_of_socket(&peer, &incoming->peer, &port)) {
		relay_reset(fd);
		free(incoming);
		listen_closed();
		return;
	}
	incoming->fd = fd;
	incoming->publish = published[number];
	relay_set_up(fd);
	if (!dial_start(loopbacks, 2, incoming->publish->inside, make_inside_socket, incoming_dialled, incoming))
		fail_incoming(incoming, ENOMEM);
}

static const char *hint_for_listener(uint16_t port)
{
	if (errno == EACCES && port < IPPORT_RESERVED)
		return "ports below 1024 are root's: see /proc/sys/net/ipv4/ip_unprivileged_port_start";
	if (errno == EADDRINUSE)
		return "another program has the port: choose another one before the last colon";
	return errno == EADDRNOTAVAIL ? "no network device of this machine has the address" : NULL;
}

void publish_listen(const struct publish *publish)
{
	char text[ADDRESS_TEXT + sizeof "[]:65535"];
	struct sockaddr_storage at;
	const int yes = 1;
	char address[ADDRESS_TEXT];
	address_write(&publish->address, address);
	snprintf(text, sizeof text, publish->address.family == AF_INET6 ? "[%s]:%u" : "%s:%u", address, publish->port);
	if (count == MOST_PUBLISHED)
		fail_plain("more than 256 ports are published", NULL);
	socklen_t length = address_to_socket(&publish->address, publish->port, &at);
	int fd = socket(publish->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		fail("make a socket", text);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (publish->address.family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
	if (bind(fd, (struct sockaddr *)&at, length) < 0 || listen(fd, BACKLOG) < 0)
		fail_hint("publish", text, hint_for_listener(publish->port));
	published[count] = publish;
	listen_add(fd, (uint16_t)count++, publish_accept);
}

void publish_set_up(int channel)
{
	const struct timeval longest = {.tv_sec = 1};
	sockets = channel;
	setsockopt(sockets, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
}
