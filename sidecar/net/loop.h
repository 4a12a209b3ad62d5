/* Waits for descriptors and for times, and calls what is due. */
#ifndef NSBOX_NET_LOOP_H
#define NSBOX_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* What is called when something happens to a descriptor: the bits of epoll(7). */
struct watch {
	void (*happened)(struct watch *watch, uint32_t events);
};

/* What is called at a time: microseconds of clock_now(). Zeroed, it isn't set. */
struct timer {
	void (*due)(struct timer *timer);
	int64_t at;
	struct timer *next, **link;
};

void loop_open(void);
/* False with errno. Closing a descriptor, of which there is no copy, ends its watch. */
bool loop_watch(int fd, struct watch *watch, uint32_t events);
bool loop_watch_again(int fd, struct watch *watch, uint32_t events);
/* Events of WATCH that have already come call nothing. */
void loop_forget(struct watch *watch);
void loop_ignore(int fd);

/* Calls DUE once after so many microseconds; a time that was set before doesn't count any more. */
void timer_set(struct timer *timer, int64_t delay, void (*due)(struct timer *timer));
void timer_cancel(struct timer *timer);

/* The first member of what is freed by loop_free. */
struct freed {
	struct freed *next;
};

/* Frees the memory that begins with FREED once no event that has already come can name a watch in it. */
void loop_free(struct freed *freed);
_Noreturn void loop_run(void);

#endif
