#include "net/dial.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"

/* Microseconds. */
enum { NEXT_AFTER = 250000, LONGEST = 30000000 };

struct attempt {
	struct watch watch;
	struct dial *dial;
	const struct address *address;
	int fd;
};

struct dial {
	struct freed freed;
	struct timer next, end;
	struct address addresses[DIAL_MOST];
	struct attempt attempts[DIAL_MOST];
	size_t count, begun, open;
	uint16_t port;
	int error;
	dial_socket *make_socket;
	dial_ended *ended;
	void *owner;
};

static void close_attempt(struct attempt *attempt)
{
	if (attempt->fd < 0)
		return;
	close(attempt->fd);
	attempt->fd = -1;
	attempt->dial->open--;
	loop_forget(&attempt->watch);
}

void dial_cancel(struct dial *dial)
{
	timer_cancel(&dial->next);
	timer_cancel(&dial->end);
	for (size_t i = 0; i < dial->begun; i++)
		close_attempt(&dial->attempts[i]);
	loop_free(&dial->freed);
}

static void end_dial(struct dial *dial, struct attempt *attempt, int error)
{
	int fd = -1;
	const struct address address = attempt ? *attempt->address : dial->addresses[0];
	if (attempt) {
		fd = attempt->fd;
		loop_ignore(fd);
		loop_forget(&attempt->watch);
		attempt->fd = -1;
		dial->open--;
	}
	dial_ended *ended = dial->ended;
	void *owner = dial->owner;
	dial_cancel(dial);
	ended(owner, fd, &address, error);
}

static void begin_next(struct dial *dial);

static void attempt_happened(struct watch *watch, uint32_t events)
{
	struct attempt *attempt = (struct attempt *)watch;
	struct dial *dial = attempt->dial;
	int error = 0;
	socklen_t length = sizeof error;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (error) {
		dial->error = error;
		close_attempt(attempt);
		begin_next(dial);
	} else if (events & EPOLLOUT)
		end_dial(dial, attempt, 0);
}

static struct dial *dial_of(const struct timer *timer, size_t offset)
{
	return (struct dial *)(void *)((char *)timer - offset);
}
static void next_due(struct timer *timer) { begin_next(dial_of(timer, offsetof(struct dial, next))); }
static void end_due(struct timer *timer) { end_dial(dial_of(timer, offsetof(struct dial, end)), NULL, ETIMEDOUT); }

/* False: it has failed at once. */
static bool begin_attempt(struct dial *dial)
{
	struct attempt *attempt = &dial->attempts[dial->begun];
	struct sockaddr_storage to;
	*attempt = (struct attempt){{attempt_happened}, dial, &dial->addresses[dial->begun], -1};
	dial->begun++;
	socklen_t length = address_to_socket(attempt->address, dial->port, &to);
	int fd = dial->make_socket(attempt->address->family);
	if (fd >= 0 && (connect(fd, (struct sockaddr *)&to, length) == 0 || errno == EINPROGRESS) &&
		loop_watch(fd, &attempt->watch, EPOLLOUT)) {
		attempt->fd = fd;
		dial->open++;
		return true;
	}
	dial->error = errno;
	if (fd >= 0)
		close(fd);
	return false;
}

static void begin_next(struct dial *dial)
{
	while (dial->begun < dial->count)
		if (begin_attempt(dial)) {
			timer_set(&dial->next, NEXT_AFTER, next_due);
			return;
		}
	if (dial->open == 0)
		end_dial(dial, NULL, dial->error);
}

struct dial *dial_start(const struct address *addresses, size_t count, uint16_t port, dial_socket *make_socket,
	dial_ended *ended, void *owner)
{
	struct dial *dial = calloc(1, sizeof *dial);
	if (!dial)
		return NULL;
	dial->count = count < DIAL_MOST ? count : DIAL_MOST;
	memcpy(dial->addresses, addresses, dial->count * sizeof *addresses);
	dial->port = port;
	dial->make_socket = make_socket;
	dial->ended = ended;
	dial->owner = owner;
	timer_set(&dial->end, LONGEST, end_due);
	/* Not at once: the caller doesn't know it yet. */
	timer_set(&dial->next, 0, next_due);
	return dial;
}
