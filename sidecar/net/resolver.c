#include "net/resolver.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/report.h"
#include "net/answer.h"
#include "net/event.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/outgoing.h"
#include "net/veth.h"

/* Microseconds that a connection may be idle; queries that are answered before others get their turn. */
enum { IDLE = 10000000, ANSWERED_AT_ONCE = 64, RESOLVER_PORT = 53, MOST_CONNECTIONS = 64 };

/* A query by TCP, with its length before it: RFC 1035 section 4.2.2. */
struct stream {
	struct freed freed;
	struct watch watch;
	struct timer idle;
	int fd;
	size_t used;
	uint8_t bytes[2 + DNS_MAX_QUERY];
};

static const struct rules *rules;
static struct names *names;
static bool v6;
static int udp;
static struct watch udp_watch;
static unsigned streams;

/* A program asks for both families of a name, and again: such names are reported once in a while. */
static void report_refused(const char *name)
{
	enum { REMEMBERED = 16 };
	static char recent[REMEMBERED][DNS_NAME];
	static unsigned at;
	for (unsigned i = 0; i < REMEMBERED; i++)
		if (strcmp(recent[i], name) == 0)
			return;
	memcpy(recent[at], name, DNS_NAME);
	at = (at + 1) % REMEMBERED;
	event_refused_name(name, EVENT_NAME);
}

static size_t answer(const uint8_t *query, size_t length, uint8_t text[DNS_MAX_ANSWER])
{
	static bool reported;
	enum answer_verdict verdict;
	char name[DNS_NAME];
	size_t written = answer_make(rules, names, v6, query, length, text, &verdict, name);
	if (verdict == ANSWER_REFUSED)
		report_refused(name);
	if (verdict == ANSWER_TOO_MANY && !reported)
		event_refused_name(name, EVENT_TOO_MANY);
	reported |= verdict == ANSWER_TOO_MANY;
	return written;
}

static void udp_happened(struct watch *watch, uint32_t events)
{
	(void)watch, (void)events;
	for (int i = 0; i < ANSWERED_AT_ONCE; i++) {
		uint8_t query[DNS_MAX_QUERY], text[DNS_MAX_ANSWER];
		struct sockaddr_storage from;
		socklen_t size = sizeof from;
		ssize_t length = recvfrom(udp, query, sizeof query, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (length < 0 && errno == EAGAIN)
			return;
		size_t written = length < 0 ? 0 : answer(query, (size_t)length, text);
		/* An answer that is lost is asked for again. */
		if (written > 0)
			sendto(udp, text, written, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from, size);
	}
}

static void close_stream(struct stream *stream)
{
	timer_cancel(&stream->idle);
	loop_forget(&stream->watch);
	close(stream->fd);
	loop_free(&stream->freed);
	streams--;
	listen_closed();
}

static struct stream *stream_of(void *member, size_t offset)
{
	return (struct stream *)(void *)((char *)member - offset);
}
static void idle_due(struct timer *timer) { close_stream(stream_of(timer, offsetof(struct stream, idle))); }

/* Answers the first query that has come whole. False: there is none; or the connection is no good, and *BAD. */
static bool answer_first(struct stream *stream, bool *bad)
{
	uint8_t text[2 + DNS_MAX_ANSWER];
	if (stream->used < 2)
		return false;
	size_t length = (size_t)stream->bytes[0] << 8 | stream->bytes[1];
	*bad = length > DNS_MAX_QUERY;
	if (*bad || stream->used < 2 + length)
		return false;
	size_t written = answer(stream->bytes + 2, length, text + 2);
	text[0] = (uint8_t)(written >> 8);
	text[1] = (uint8_t)written;
	stream->used -= 2 + length;
	memmove(stream->bytes, stream->bytes + 2 + length, stream->used);
	/* A client that reads no answers gets none. */
	*bad = written == 0 || send(stream->fd, text, 2 + written, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)(2 + written);
	return !*bad;
}

static void stream_happened(struct watch *watch, uint32_t events)
{
	struct stream *stream = stream_of(watch, offsetof(struct stream, watch));
	bool bad = false;
	(void)events;
	ssize_t got = recv(stream->fd, stream->bytes + stream->used, sizeof stream->bytes - stream->used, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0) {
		stream->used += (size_t)got;
		timer_set(&stream->idle, IDLE, idle_due);
		while (answer_first(stream, &bad))
			;
	}
	if (got <= 0 || bad)
		close_stream(stream);
}

static bool is_for_resolver(int fd)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof own;
	struct address address;
	uint16_t port;
	return getsockname(fd, (struct sockaddr *)&own, &length) == 0 && address_of_socket(&own, &address, &port) &&
		   address_is(&address, &VETH_RESOLVER);
}

static void resolver_accept(int fd, uint16_t port)
{
	if (!is_for_resolver(fd)) {
		outgoing_accept(fd, port);
		return;
	}
	struct stream *stream = streams < MOST_CONNECTIONS ? calloc(1, sizeof *stream) : NULL;
	if (!stream || !loop_watch(fd, &stream->watch, EPOLLIN)) {
		free(stream);
		close(fd);
		listen_closed();
		return;
	}
	stream->watch.happened = stream_happened;
	stream->fd = fd;
	streams++;
	timer_set(&stream->idle, IDLE, idle_due);
}

void resolver_set_up(const struct rules *all, struct names *known, bool with_v6, int udp_socket, int tcp_socket)
{
	rules = all;
	names = known;
	v6 = with_v6;
	udp = udp_socket;
	udp_watch.happened = udp_happened;
	if (!loop_watch(udp, &udp_watch, EPOLLIN))
		fail("watch the resolver's socket", NULL);
	listen_add(tcp_socket, RESOLVER_PORT, resolver_accept);
}
