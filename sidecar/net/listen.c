#include "net/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/report.h"
#include "net/loop.h"

/* At one time, so that others get their turn; microseconds until the next try where descriptors were missing. */
enum { ACCEPTED_AT_ONCE = 64, PAUSE = 100000 };

struct listener {
	struct watch watch;
	struct listener *next;
	int fd;
	uint16_t port;
	listen_accepted *accepted;
};

static struct listener *listeners;
static unsigned most, connected;
static bool paused, finishing;
static struct timer retry;

void listen_set_most(unsigned connections) { most = connections; }

/* A listener that is ready would wake us up again at once, as long as it is watched. */
static void watch_all(uint32_t events)
{
	for (struct listener *listener = listeners; listener; listener = listener->next)
		loop_watch_again(listener->fd, &listener->watch, events);
	paused = events == 0;
}

static void retry_due(struct timer *timer)
{
	(void)timer;
	if (paused && !finishing && connected < most)
		watch_all(EPOLLIN);
}

void listen_closed(void)
{
	connected--;
	if (finishing && connected == 0)
		_exit(0);
	if (paused)
		timer_set(&retry, 0, retry_due);
}

/* Errors of the connection alone, accept(2). */
static bool is_of_connection(int number)
{
	return number != EMFILE && number != ENFILE && number != ENOBUFS && number != ENOMEM;
}

static void listener_happened(struct watch *watch, uint32_t events)
{
	struct listener *listener = (struct listener *)watch;
	(void)events;
	for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
		if (connected == most) {
			watch_all(0);
			return;
		}
		int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0 && !is_of_connection(errno)) {
			watch_all(0);
			timer_set(&retry, PAUSE, retry_due);
			return;
		}
		if (fd < 0)
			continue;
		connected++;
		listener->accepted(fd, listener->port);
	}
}

void listen_add(int fd, uint16_t port, listen_accepted *accepted)
{
	struct listener *listener = calloc(1, sizeof *listener);
	if (!listener)
		fail("listen", NULL);
	*listener = (struct listener){{listener_happened}, listeners, fd, port, accepted};
	listeners = listener;
	if (!loop_watch(fd, &listener->watch, EPOLLIN))
		fail("listen", NULL);
}

void listen_finish(void)
{
	for (struct listener *listener = listeners; listener; listener = listener->next)
		listener_happened(&listener->watch, EPOLLIN);
	finishing = true;
	watch_all(0);
	if (connected == 0)
		_exit(0);
}
