#include "net/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/pipes.h"

/* Other connections get their turn after so many moves of at most so many bytes. */
enum { MOST_MOVES = 16, MOST_BYTES = 1 << 20, COPIED_AT_ONCE = 16 << 10 };

struct side {
	struct watch watch;
	struct relay *relay;
	int fd;
	/* The kernel has said so, and nothing since then that it isn't. */
	bool readable, writable;
};

/* One direction. */
struct flow {
	struct side *from, *to;
	struct pipe_ends pipe;
	/* Bytes in the pipe; there is a pipe only if there are some. */
	size_t held;
	uint64_t moved;
	/* All has been read; the other side knows it. */
	bool ended, passed_on;
};

struct relay {
	struct freed freed;
	struct side first, second;
	struct flow there, back;
	/* What the box sends. */
	const struct flow *from_box;
	struct relay *next, **link;
	struct timer again;
	relay_ended *ended;
	void *owner;
};

static struct relay *relays;
/* The box has ended: only what it has sent is still passed on. */
static bool finishing;

void relay_set_up(int fd)
{
	const int yes = 1, idle = 60, interval = 10, probes = 6;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

void relay_reset(int fd)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fd);
}

static void close_flow(struct flow *flow)
{
	if (flow->held > 0)
		pipes_give_back(&flow->pipe, false);
}

static void end_relay(struct relay *relay, int error)
{
	const struct relay_result result = {relay->there.moved, relay->back.moved, error};
	struct side *const sides[] = {&relay->first, &relay->second};
	timer_cancel(&relay->again);
	*relay->link = relay->next;
	if (relay->next)
		relay->next->link = relay->link;
	for (int i = 0; i < 2; i++) {
		loop_forget(&sides[i]->watch);
		if (error)
			relay_reset(sides[i]->fd);
		else
			close(sides[i]->fd);
	}
	close_flow(&relay->there);
	close_flow(&relay->back);
	relay->ended(relay->owner, &result);
	loop_free(&relay->freed);
}

/* What a call has returned that moves bytes from one side or to it. False: it has failed. */
static bool note_wait(bool *able)
{
	if (errno == EAGAIN)
		*able = false;
	return errno == EAGAIN || errno == EINTR;
}

/*
 * Without a pipe, since there are too many descriptors: what the other side takes is copied, and only then taken from
 * this one.
 */
static bool copy_some(struct flow *flow)
{
	static char bytes[COPIED_AT_ONCE];
	ssize_t got = recv(flow->from->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0)
		return note_wait(&flow->from->readable);
	flow->ended = got == 0;
	ssize_t put = flow->ended ? 0 : send(flow->to->fd, bytes, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (put < 0)
		return note_wait(&flow->to->writable);
	flow->moved += (uint64_t)put;
	return put == 0 || recv(flow->from->fd, bytes, (size_t)put, MSG_DONTWAIT) == put;
}

static bool fill(struct flow *flow)
{
	if (!pipes_take(&flow->pipe))
		return copy_some(flow);
	ssize_t got = splice(flow->from->fd, NULL, flow->pipe.write, NULL, MOST_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	int number = errno;
	flow->held = got > 0 ? (size_t)got : 0;
	flow->ended = got == 0;
	if (flow->held == 0)
		pipes_give_back(&flow->pipe, true);
	errno = number;
	return got >= 0 || note_wait(&flow->from->readable);
}

static bool drain(struct flow *flow)
{
	ssize_t put = splice(flow->pipe.read, NULL, flow->to->fd, NULL, flow->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (put < 0)
		return note_wait(&flow->to->writable);
	flow->held -= (size_t)put;
	flow->moved += (uint64_t)put;
	if (flow->held == 0)
		pipes_give_back(&flow->pipe, true);
	return true;
}

static bool can_move(const struct flow *flow)
{
	return flow->held > 0 ? flow->to->writable : !flow->ended && flow->from->readable && flow->to->writable;
}

/* Moves bytes as long as both sides let it. False with errno: the connection has failed. */
static bool move_some(struct flow *flow)
{
	for (int moves = 0; moves < MOST_MOVES && can_move(flow); moves++)
		if (!(flow->held > 0 ? drain(flow) : fill(flow)))
			return false;
	if (!flow->ended || flow->held > 0 || flow->passed_on)
		return true;
	flow->passed_on = true;
	return shutdown(flow->to->fd, SHUT_WR) == 0;
}

static void step(struct relay *relay);

static void go_on(struct timer *timer)
{
	step((struct relay *)(void *)((char *)timer - offsetof(struct relay, again)));
}

static void step(struct relay *relay)
{
	bool there = move_some(&relay->there);
	int number = errno;
	/* What a server has answered before it gave up still arrives. */
	bool back = move_some(&relay->back);
	if (!there || !back)
		end_relay(relay, there ? errno : number);
	else if (finishing ? relay->from_box->passed_on : relay->there.passed_on && relay->back.passed_on)
		end_relay(relay, 0);
	else if (can_move(&relay->there) || can_move(&relay->back))
		timer_set(&relay->again, 0, go_on);
}

/* An error shows in the next call that reads or writes, after what came before it has been read. */
static void side_happened(struct watch *watch, uint32_t events)
{
	struct side *side = (struct side *)watch;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		side->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		side->writable = true;
	step(side->relay);
}

void relay_finish(void)
{
	finishing = true;
	for (struct relay *relay = relays; relay; relay = relay->next)
		timer_set(&relay->again, 0, go_on);
}

bool relay_start(int first, int second, bool box_is_first, relay_ended *ended, void *owner)
{
	struct relay *relay = calloc(1, sizeof *relay);
	if (!relay)
		return false;
	relay->ended = ended;
	relay->owner = owner;
	relay->first = (struct side){{side_happened}, relay, first, true, true};
	relay->second = (struct side){{side_happened}, relay, second, true, true};
	relay->there = (struct flow){.from = &relay->first, .to = &relay->second};
	relay->back = (struct flow){.from = &relay->second, .to = &relay->first};
	relay->from_box = box_is_first ? &relay->there : &relay->back;
	const uint32_t all = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	if (!loop_watch(first, &relay->first.watch, all) || !loop_watch(second, &relay->second.watch, all)) {
		int number = errno;
		loop_ignore(first);
		free(relay);
		errno = number;
		return false;
	}
	relay->next = relays;
	relay->link = &relays;
	if (relays)
		relays->link = &relay->next;
	relays = relay;
	return true;
}
