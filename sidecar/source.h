/* Where a plan comes from. */
#ifndef NSBOX_SOURCE_H
#define NSBOX_SOURCE_H

#include <stddef.h>

/* All that can be read from FD, and a NUL behind it. Fails by fail(). */
char *source_read(int fd, const char *name, size_t *length);
/* The plan at the end of our own executable, or NULL: the plan, its length in 8 bytes (little endian), "NSBOXPLN". */
char *source_trailer(size_t *length);
/* For nsbox enter: a plan that stands in no executable, in a file in memory that the supervisor has open. */
void source_keep(const char *text, size_t length);

#endif
