/*
 * The records on standard output. Each is three texts, every one ended by a NUL: what happened, as four letters; the
 * path as it was used, absolute; and where it really led, or nothing.
 *
 *     letter  1  o opened for reading, x executed, l looked at, m a name made in its directory, w what was there is
 *                replaced, and the new content is the command's own
 *             2  f the last link followed, n not
 *             3  + found, - not found (ENOENT)
 *             4  u the process may have another user or fewer rights than the command had at its start, . not
 *
 * "S" alone: the command is about to start. "E", an error number as path: it could not be started. "T": too many
 * records, and no more follow. "F" with a program as path: one of another architecture, whose calls aren't followed.
 * "R" with a path: it could not be written, as on a read-only file system. "P" alone: a path was too long. "X", the
 * exit status as path and the number of a signal or 0 behind it: the command has ended, and all before is complete.
 */
#ifndef NSBOX_TRACE_RECORD_H
#define NSBOX_TRACE_RECORD_H

#include <stdbool.h>

/* Writes a record, unless the same was written before. */
void record_write(const char *what, const char *path, const char *real);

void record_use(char kind, bool follow, bool found, bool changed, const char *path, const char *real);

#endif
