#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/report.h"

enum { EVENTS = 256 };

static int epoll;
static struct timer *timers;
/* No timer is due before. */
static int64_t soonest = INT64_MAX;

static struct freed *freed;

void loop_open(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		fail("make an epoll descriptor", NULL);
}

static bool control(int operation, int fd, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(epoll, operation, fd, &event) == 0;
}

bool loop_watch(int fd, struct watch *watch, uint32_t events) { return control(EPOLL_CTL_ADD, fd, watch, events); }
bool loop_watch_again(int fd, struct watch *watch, uint32_t events)
{
	return control(EPOLL_CTL_MOD, fd, watch, events);
}
static void ignore_event(struct watch *watch, uint32_t events) { (void)watch, (void)events; }
void loop_forget(struct watch *watch) { watch->happened = ignore_event; }
void loop_ignore(int fd) { control(EPOLL_CTL_DEL, fd, NULL, 0); }

void timer_cancel(struct timer *timer)
{
	if (!timer->link)
		return;
	*timer->link = timer->next;
	if (timer->next)
		timer->next->link = timer->link;
	timer->link = NULL;
}

void timer_set(struct timer *timer, int64_t delay, void (*due)(struct timer *timer))
{
	timer_cancel(timer);
	timer->due = due;
	timer->at = clock_now() + delay;
	timer->next = timers;
	timer->link = &timers;
	if (timers)
		timers->link = &timer->next;
	timers = timer;
	if (timer->at < soonest)
		soonest = timer->at;
}

/* A timer that is called may set and cancel others, so those that are due are taken out of the list first. */
static void call_due(int64_t now)
{
	struct timer *due = NULL, *next;
	if (now < soonest)
		return;
	soonest = INT64_MAX;
	for (struct timer *timer = timers; timer; timer = next) {
		next = timer->next;
		if (timer->at > now) {
			soonest = timer->at < soonest ? timer->at : soonest;
			continue;
		}
		timer_cancel(timer);
		timer->next = due;
		timer->link = &due;
		if (due)
			due->link = &timer->next;
		due = timer;
	}
	while (due) {
		struct timer *first = due;
		timer_cancel(first);
		first->due(first);
	}
}

static int milliseconds_left(void)
{
	enum { MILLISECOND = 1000, LONGEST = 60 * 60 * 1000 };
	if (!timers)
		return -1;
	int64_t left = (soonest - clock_now() + MILLISECOND - 1) / MILLISECOND;
	return left < 0 ? 0 : left > LONGEST ? LONGEST : (int)left;
}

void loop_free(struct freed *last)
{
	last->next = freed;
	freed = last;
}

static void free_all(void)
{
	while (freed) {
		struct freed *next = freed->next;
		free(freed);
		freed = next;
	}
}

void loop_run(void)
{
	struct epoll_event events[EVENTS];
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, milliseconds_left());
		if (count < 0 && errno != EINTR)
			fail("wait for events", NULL);
		for (int i = 0; i < count; i++) {
			struct watch *watch = events[i].data.ptr;
			watch->happened(watch, events[i].events);
		}
		free_all();
		call_due(clock_now());
		free_all();
	}
}
