#include "net/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "net/loop.h"
#include "net/name.h"

/* So many names are looked up at once; the others wait. A look-up may take so many seconds. */
enum { MOST_AT_ONCE = 32, LONGEST = 20 };

struct question {
	uint32_t number;
	char name[NAME_SIZE];
};

struct reply {
	uint32_t number;
	uint32_t count;
	struct address addresses[LOOKUP_MOST];
};

struct lookup {
	struct freed freed;
	struct lookup *next;
	struct timer timer;
	struct question question;
	bool asked;
	lookup_ended *ended;
	void *owner;
};

static int channel;
static struct watch channel_watch;
static struct lookup *lookups, **last = &lookups;
static unsigned running;
static uint32_t numbers;

/* --- The other process --- */

static void add_found(struct reply *reply, const struct addrinfo *info)
{
	struct sockaddr_storage from = {0};
	uint16_t port;
	if (reply->count == LOOKUP_MOST || info->ai_addrlen > sizeof from)
		return;
	memcpy(&from, info->ai_addr, info->ai_addrlen);
	/* IPv4 within IPv6 stays what it is: whoever checks it must see it. */
	struct address *address = &reply->addresses[reply->count];
	if (from.ss_family == AF_INET6) {
		*address = (struct address){.family = AF_INET6};
		memcpy(address->bytes, ((struct sockaddr_in6 *)&from)->sin6_addr.s6_addr, sizeof address->bytes);
	} else if (!address_of_socket(&from, address, &port))
		return;
	reply->count++;
}

static _Noreturn void look_up(const struct question *question)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	struct reply reply = {.number = question->number};
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	alarm(LONGEST);
	if (getaddrinfo(question->name, NULL, &hints, &found) == 0)
		for (const struct addrinfo *info = found; info; info = info->ai_next)
			add_found(&reply, info);
	send(channel, &reply, sizeof reply, MSG_NOSIGNAL);
	_exit(0);
}

/* Children are reaped by the kernel. Each ends by an alarm at the latest. */
static _Noreturn void serve(void (*confine)(void))
{
	struct question question;
	const struct reply ready = {0};
	signal(SIGCHLD, SIG_IGN);
	descriptor_keep(channel);
	descriptor_close_others();
	confine();
	/* Nothing here prints any more. */
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	send(channel, &ready, sizeof ready, MSG_NOSIGNAL);
	for (;;) {
		ssize_t length = recv(channel, &question, sizeof question, 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length != sizeof question)
			_exit(0);
		question.name[NAME_SIZE - 1] = '\0';
		int child = sys_fork();
		if (child == 0)
			look_up(&question);
		if (child < 0) {
			const struct reply none = {.number = question.number};
			send(channel, &none, sizeof none, MSG_NOSIGNAL);
		}
	}
}

/* --- This process --- */

static void ask_next(void);

static void remove_lookup(struct lookup *lookup)
{
	struct lookup **link = &lookups;
	while (*link != lookup)
		link = &(*link)->next;
	*link = lookup->next;
	if (!lookup->next)
		last = link;
	running -= lookup->asked;
	timer_cancel(&lookup->timer);
	loop_free(&lookup->freed);
}

void lookup_cancel(struct lookup *lookup)
{
	remove_lookup(lookup);
	ask_next();
}

static void end_lookup(struct lookup *lookup, const struct address *addresses, size_t count)
{
	lookup_ended *ended = lookup->ended;
	void *owner = lookup->owner;
	remove_lookup(lookup);
	ended(owner, addresses, count);
	ask_next();
}

static void lookup_due(struct timer *timer)
{
	end_lookup((struct lookup *)(void *)((char *)timer - offsetof(struct lookup, timer)), NULL, 0);
}

static void ask_next(void)
{
	struct lookup *lookup = lookups;
	for (; lookup && running < MOST_AT_ONCE; lookup = lookup->next) {
		if (lookup->asked)
			continue;
		lookup->asked = true;
		running++;
		/* If it can't be sent, it is never answered. */
		ssize_t sent = send(channel, &lookup->question, sizeof lookup->question, MSG_NOSIGNAL | MSG_DONTWAIT);
		timer_set(&lookup->timer, sent < 0 ? 0 : (LONGEST + 1) * INT64_C(1000000), lookup_due);
	}
}

/* Both families in turn, so that one which doesn't work costs a moment alone. */
static size_t alternate(const struct reply *reply, struct address addresses[LOOKUP_MOST])
{
	size_t next[2] = {0, 0}, count = 0;
	sa_family_t family = reply->addresses[0].family;
	for (unsigned which = 0; count < reply->count; which = !which) {
		size_t *at = &next[which];
		while (*at < reply->count && (reply->addresses[*at].family == family) == which)
			++*at;
		if (*at < reply->count)
			addresses[count++] = reply->addresses[(*at)++];
	}
	return count;
}

static bool is_sound(const struct reply *reply, ssize_t length)
{
	if (length != sizeof *reply || reply->count > LOOKUP_MOST)
		return false;
	for (size_t i = 0; i < reply->count; i++)
		if (reply->addresses[i].family != AF_INET && reply->addresses[i].family != AF_INET6)
			return false;
	return true;
}

static void channel_happened(struct watch *watch, uint32_t events)
{
	struct reply reply;
	struct address addresses[LOOKUP_MOST];
	(void)watch;
	ssize_t length = recv(channel, &reply, sizeof reply, MSG_DONTWAIT);
	if (length < 0 && errno == EAGAIN)
		return;
	/* Without it no name has an address any more. */
	if (length <= 0 || !is_sound(&reply, length))
		fail_plain("the process that looks up names has ended", events & EPOLLHUP ? NULL : "bad reply");
	for (struct lookup *lookup = lookups; lookup; lookup = lookup->next)
		if (lookup->asked && lookup->question.number == reply.number) {
			end_lookup(lookup, addresses, alternate(&reply, addresses));
			return;
		}
}

struct lookup *lookup_start(const char *name, lookup_ended *ended, void *owner)
{
	struct lookup *lookup = calloc(1, sizeof *lookup);
	if (!lookup)
		return NULL;
	lookup->question.number = ++numbers;
	strncpy(lookup->question.name, name, NAME_SIZE - 1);
	lookup->ended = ended;
	lookup->owner = owner;
	*last = lookup;
	last = &lookup->next;
	ask_next();
	return lookup;
}

void lookup_set_up(void (*confine)(void))
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		fail("make a socket", NULL);
	int child = sys_fork();
	if (child < 0)
		fail_hint("start a process", NULL, report_process_hint());
	channel = ends[child == 0];
	close(ends[child != 0]);
	if (child == 0)
		serve(confine);
	struct reply ready;
	if (recv(channel, &ready, sizeof ready, 0) != sizeof ready)
		report_give_up(STATUS_FAILED);
	channel_watch.happened = channel_happened;
	if (!loop_watch(channel, &channel_watch, EPOLLIN))
		fail("watch a socket", NULL);
}
