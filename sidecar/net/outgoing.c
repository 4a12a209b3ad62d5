#include "net/outgoing.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/dial.h"
#include "net/event.h"
#include "net/hello.h"
#include "net/listen.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "net/relay.h"

/* Microseconds in which a TLS hello has to come. */
enum { HELLO_LONGEST = 10000000 };

/* It waits for one of these, or it is relayed. */
struct outgoing {
	struct freed freed;
	struct watch watch;
	struct timer hello;
	struct lookup *lookup;
	struct dial *dial;
	int fd;
	uint16_t port;
	/* What the box wants to reach: a name, or an address that a rule names, for which there is no name. */
	char host[NAME_SIZE];
	bool is_name;
	struct address address;
};

static const struct rules *rules;
static const struct names *names;

void outgoing_set_up(const struct rules *all, const struct names *known)
{
	rules = all;
	names = known;
}

static void release(struct outgoing *outgoing)
{
	timer_cancel(&outgoing->hello);
	if (outgoing->lookup)
		lookup_cancel(outgoing->lookup);
	if (outgoing->dial)
		dial_cancel(outgoing->dial);
	loop_forget(&outgoing->watch);
	loop_free(&outgoing->freed);
	listen_closed();
}

static void refuse(struct outgoing *outgoing, enum event_reason reason, const struct address *address)
{
	event_refused(outgoing->host, outgoing->port, reason, address);
	relay_reset(outgoing->fd);
	release(outgoing);
}

static void give_up(struct outgoing *outgoing, int error)
{
	event_connected(outgoing->host, outgoing->port, NULL, &(struct relay_result){.error = error});
	relay_reset(outgoing->fd);
	release(outgoing);
}

static void outgoing_ended(void *owner, const struct relay_result *result)
{
	struct outgoing *outgoing = owner;
	event_connected(outgoing->host, outgoing->port, &outgoing->address, result);
	release(outgoing);
}

static void outgoing_dialled(void *owner, int fd, const struct address *address, int error)
{
	struct outgoing *outgoing = owner;
	outgoing->dial = NULL;
	if (fd < 0) {
		give_up(outgoing, error);
		return;
	}
	outgoing->address = *address;
	relay_set_up(fd);
	loop_ignore(outgoing->fd);
	loop_forget(&outgoing->watch);
	if (!relay_start(outgoing->fd, fd, true, outgoing_ended, outgoing)) {
		error = errno;
		relay_reset(fd);
		give_up(outgoing, error);
	}
}

static int make_outside_socket(sa_family_t family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void dial(struct outgoing *outgoing, const struct address *addresses, size_t count)
{
	outgoing->dial = dial_start(addresses, count, outgoing->port, make_outside_socket, outgoing_dialled, outgoing);
	if (!outgoing->dial)
		give_up(outgoing, ENOMEM);
}

static bool may_connect(const struct address *address)
{
	return !address_is_unusable(address) && (rules->allow_private || !address_range(address));
}

/* What is checked here is what is connected to: nobody looks the name up again. */
static void outgoing_looked_up(void *owner, const struct address *addresses, size_t count)
{
	struct outgoing *outgoing = owner;
	struct address allowed[LOOKUP_MOST];
	size_t kept = 0;
	outgoing->lookup = NULL;
	for (size_t i = 0; i < count; i++)
		if (may_connect(&addresses[i]))
			allowed[kept++] = addresses[i];
	if (kept > 0)
		dial(outgoing, allowed, kept);
	else if (count > 0)
		refuse(outgoing, EVENT_ADDRESS, &addresses[0]);
	else
		give_up(outgoing, ENOENT);
}

static void reach(struct outgoing *outgoing)
{
	if (!outgoing->is_name) {
		dial(outgoing, &outgoing->address, 1);
		return;
	}
	outgoing->lookup = lookup_start(outgoing->host, outgoing_looked_up, outgoing);
	if (!outgoing->lookup)
		give_up(outgoing, ENOMEM);
}

/* Only a failure matters: bytes and the end of them wait for the other side. */
static void waiting_happened(struct watch *watch, uint32_t events)
{
	struct outgoing *outgoing = (struct outgoing *)(void *)((char *)watch - offsetof(struct outgoing, watch));
	if (events & EPOLLERR)
		give_up(outgoing, ECONNRESET);
}

static bool is_right_hello(const struct outgoing *outgoing, enum hello hello, const char *name)
{
	return outgoing->is_name ? hello == HELLO_NAME && strcmp(name, outgoing->host) == 0 : hello == HELLO_NO_NAME;
}

static void hello_happened(struct watch *watch, uint32_t events)
{
	static uint8_t bytes[HELLO_SIZE];
	struct outgoing *outgoing = (struct outgoing *)(void *)((char *)watch - offsetof(struct outgoing, watch));
	char name[NAME_SIZE];
	ssize_t length = recv(outgoing->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
	if (length < 0 && errno == EAGAIN)
		return;
	if (length < 0) {
		give_up(outgoing, errno);
		return;
	}
	enum hello hello = hello_read(bytes, (size_t)length, name);
	if (hello == HELLO_PART && !(events & (EPOLLRDHUP | EPOLLHUP)))
		return;
	if (!is_right_hello(outgoing, hello, name)) {
		refuse(outgoing, EVENT_SNI, NULL);
		return;
	}
	timer_cancel(&outgoing->hello);
	outgoing->watch.happened = waiting_happened;
	loop_watch_again(outgoing->fd, &outgoing->watch, EPOLLET);
	reach(outgoing);
}

static void hello_due(struct timer *timer)
{
	refuse((struct outgoing *)(void *)((char *)timer - offsetof(struct outgoing, hello)), EVENT_SNI, NULL);
}

/* The address that the connection came to says what the box wants to reach. False: no rule allows it. */
static bool find_host(struct outgoing *outgoing, enum event_reason *reason)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof own;
	uint16_t port = 0;
	*reason = EVENT_NAME;
	if (getsockname(outgoing->fd, (struct sockaddr *)&own, &length) < 0 ||
		!address_of_socket(&own, &outgoing->address, &port))
		return false;
	const char *name = names_find(names, &outgoing->address);
	if (!name) {
		address_write(&outgoing->address, outgoing->host);
		if (rules_have_address(rules, &outgoing->address))
			*reason = EVENT_PORT;
		return port == outgoing->port && rules_allow_address(rules, &outgoing->address, port);
	}
	memcpy(outgoing->host, name, strlen(name) + 1);
	outgoing->is_name = true;
	*reason = EVENT_PORT;
	return port == outgoing->port && rules_allow_name(rules, name, port);
}

void outgoing_accept(int fd, uint16_t port)
{
	enum event_reason reason;
	struct outgoing *outgoing = calloc(1, sizeof *outgoing);
	if (!outgoing) {
		relay_reset(fd);
		listen_closed();
		return;
	}
	outgoing->fd = fd;
	outgoing->port = port;
	if (!find_host(outgoing, &reason)) {
		refuse(outgoing, reason, NULL);
		return;
	}
	relay_set_up(fd);
	outgoing->watch.happened = rules->check_sni ? hello_happened : waiting_happened;
	if (!loop_watch(fd, &outgoing->watch, rules->check_sni ? EPOLLIN | EPOLLRDHUP | EPOLLET : EPOLLET)) {
		give_up(outgoing, errno);
		return;
	}
	if (rules->check_sni)
		timer_set(&outgoing->hello, HELLO_LONGEST, hello_due);
	else
		reach(outgoing);
}
