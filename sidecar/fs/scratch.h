/*
 * Directories on a disk for changes that vanish with the box, where a tmpfs can't keep what an overlay notes with them.
 * Each has a lock as long as its box runs, by which the next box knows what a killed one has left.
 */
#ifndef NSBOX_FS_SCRATCH_H
#define NSBOX_FS_SCRATCH_H

#include <stdbool.h>

/*
 * In the box, before the root is switched: makes such a directory in PARENT, whose path is PATH, and opens it.
 * Removes those of boxes that were killed. The supervisor removes it when the box has ended. Fails by fail().
 */
int scratch_make(int parent, const char *path);
/* Removes the directory NAME in PARENT with all that is in it, of any depth. False if something is left. */
bool scratch_remove(int parent, const char *name);
/* Whether an overlay can note there, as user.* attributes, which directories were made anew. */
bool scratch_keeps_attributes(int directory);

#endif
