/* Extended attributes: which ones of an archive reach a file. */
#ifndef NSBOX_UNPACK_ATTRIBUTES_H
#define NSBOX_UNPACK_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether attributes_set() takes an attribute of that name. */
bool attributes_is_allowed(const char *name);

/*
 * Sets one attribute of an entry. Only security.capability and user.* are taken, but for user.overlay.*, which would
 * steer the overlay; the others, and those that the file system or the user namespace refuses, count as skipped. Fails
 * by event_fail().
 */
void attributes_set(int fd, const char *entry, const char *name, const void *value, size_t size);
/* Removes those that attributes_set() sets. */
void attributes_clear(int fd, const char *entry);
/* Copies those that attributes_set() sets. */
void attributes_copy(int from, int to, const char *entry);

#endif
