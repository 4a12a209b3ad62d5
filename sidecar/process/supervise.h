/* The process that stays outside: it waits, passes signals on, reports, and ends with the command's status. */
#ifndef NSBOX_SUPERVISE_H
#define NSBOX_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

struct box {
	int pid;          /* the first process of the box, our child */
	int link;         /* messages from it, link.h */
	bool init;        /* it is an init, and not the command itself */
	bool own_group;   /* it leads a process group of its own, foreground.h */
	bool first;       /* it is process 1 of a pid namespace */
	bool new_session; /* what the terminal sends does not reach the command */
	bool seen;        /* by the box, whose processes can name us */
	int parent;       /* pidfd of the process whose end ends the box, or -1 */
	bool verbose;
	bool quiet;       /* nothing is to be said of how it ended */
	int64_t memory;   /* its limit in bytes, or 0 */
	int64_t timeout, grace; /* milliseconds: until TERM, 0 is never; from then until KILL */
	int signals;      /* all of ours arrive here */
};

/* Before there is a box: what is written to memory later, the fork has made more expensive. */
void supervise_set_up(struct box *box);
/* The new process's own directory in /proc, and its number there, as it tells them; -1: it has ended, and supervise() tells how. */
int supervise_await_process(const struct box *box, int *number);
_Noreturn void supervise(const struct box *box);
/* How long there has been a box. */
int64_t supervise_microseconds(void);

#endif
