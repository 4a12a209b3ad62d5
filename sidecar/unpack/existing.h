/* A file that exists as the source of an entry: its content and its extended attributes. */
#ifndef NSBOX_UNPACK_EXISTING_H
#define NSBOX_UNPACK_EXISTING_H

#include <limits.h>
#include <sys/stat.h>

#include "unpack/entry.h"

/*
 * Opens NAME in the directory PARENT, whose metadata are ST. SOURCE and ENTRY, without a name, are then what place()
 * takes, until existing_close(). ABOUT is for messages. Fails by event_fail().
 */
void existing_open(int parent, const char *name, const struct stat *st, const char *about, struct entry *entry,
	struct entry_source *source);
void existing_close(struct entry_source *source);

#endif
