/* The system calls that a process may make: seccomp(2). */
#ifndef NSBOX_NET_FILTER_H
#define NSBOX_NET_FILTER_H

#include <stdbool.h>

enum confine_task {
	/* Passes bytes between sockets that it accepts and makes. */
	CONFINE_RELAY,
	/* Looks up names: reads files of the host's settings, makes sockets and children. */
	CONFINE_LOOKUP,
	/* Makes sockets in the box's network namespace, and hands them over. */
	CONFINE_SOCKETS,
};

/* False with errno. */
bool filter_install(enum confine_task task);

#endif
