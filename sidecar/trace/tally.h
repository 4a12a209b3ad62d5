/*
 * The refusals that were reported, each with its count. A report is a line of JSON on the descriptor for events:
 *
 *     {"event":"refused","id":1,"machine":3221225534,"call":257,"errno":30,"op":"write","path":"/etc/x"}
 *
 * `machine` is AUDIT_ARCH_*, `errno` is 0 where the call ended its process. `op` is read, write, create (a name, which
 * may be there), remove, rename or link (with `to`), execute, connect, bind, send, fork or call. A socket's address is
 * `path`, `abstract` (a name), or `address` and `port`. A call of another kind has `args`, of which pointers are 0.
 *
 * At the end {"event":"refused","id":1,"count":7} follows for each that came more than once, and
 * {"event":"refused","more":12} for refusals beyond the bound.
 */
#ifndef NSBOX_TRACE_TALLY_H
#define NSBOX_TRACE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* A refusal; texts that are "" are left out. */
struct refusal {
	uint32_t machine, call;
	int number;
	const char *op, *path, *to, *abstract, *address;
	unsigned port;
	uint64_t args[6]; /* all of them 0 where the texts say enough */
};

/* FD: the descriptor for events, or -1. */
void tally_set_up(int fd);

/* Reports the refusal, or counts one that was reported. */
void tally_add(const struct refusal *refusal);

/* Reports the counts. */
void tally_finish(void);

#endif
