/* A running box, as the supervisor and the watchdog see it. */
#ifndef NSBOX_PROCESS_BOX_H
#define NSBOX_PROCESS_BOX_H

#include <stdbool.h>
#include <stdint.h>

struct box {
	int pid; /* the first process of the box, our child */
	int channel; /* messages from it, base/channel.h */
	bool init; /* it is an init, and not the command itself */
	bool own_group; /* it leads its own process group, foreground.h */
	bool entered; /* it joined a box, leads its process group, and doesn't take its children along when it ends */
	bool first; /* it is process 1 of a pid namespace */
	uint64_t blocked; /* bit N - 1: the caller blocks signal N, and so does the command */
	bool new_session; /* signals of the terminal don't reach the command */
	bool seen; /* processes of the box can see us */
	int parent; /* pidfd of the process whose end ends the box, or -1 */
	bool verbose;
	bool quiet; /* no message about its end */
	bool filtered; /* a filter judges the command's system calls */
	int64_t memory; /* its limit in bytes, or 0 */
	int64_t timeout, grace; /* milliseconds: until TERM (0: never), and from then until KILL */
	int signals; /* signalfd on which all our signals arrive */
};

#endif
