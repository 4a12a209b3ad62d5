/* Names in archives. */
#ifndef NSBOX_UNPACK_NAME_H
#define NSBOX_UNPACK_NAME_H

#include <limits.h>
#include <stdbool.h>

/*
 * Writes NAME to PATH without a slash at its start, without empty components and ".". "" is the root. ENTRY is for
 * messages. Fails by event_fail() if it has "..", or is too long or too deep.
 */
void name_clean(const char *name, const char *entry, char path[PATH_MAX]);
/* The directory of a clean path, valid until the next call, and its last component. */
const char *name_parent(const char *path, const char **last);

bool name_starts_with(const char *name, const char *start);

#endif
