/* Connections that are being made: a program that doesn't wait learns by SO_ERROR later that one was refused. */
#ifndef NSBOX_TRACE_PENDING_H
#define NSBOX_TRACE_PENDING_H

#include <stdbool.h>
#include <sys/types.h>

#include "trace/tally.h"

/* Notes that the thread has begun to connect the descriptor, with the refusal that it would be. */
void pending_add(pid_t pid, int fd, const struct refusal *refusal);

/* The refusal that was noted for the descriptor, and is no longer. Its texts are valid until the next call. */
bool pending_take(pid_t pid, int fd, struct refusal *refusal);

#endif
