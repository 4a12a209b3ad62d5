/* What the processes outside know of a box that runs. */
#ifndef NSBOX_PROCESS_BOX_H
#define NSBOX_PROCESS_BOX_H

#include <stdbool.h>
#include <stdint.h>

struct box {
	int pid;          /* the first process of the box, our child */
	int channel;        /* messages from it, base/channel.h */
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

#endif
