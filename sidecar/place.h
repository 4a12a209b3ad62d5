/*
 * The place on the host's own directories where the box's root is put together. Only our mount namespace sees what is
 * mounted there, and it goes with the old root.
 */
#ifndef NSBOX_PLACE_H
#define NSBOX_PLACE_H

#include <stdbool.h>

/* SCRATCH: with a tmpfs, which the copies of `file` mounts need, and the old mount API. */
void place_open(bool scratch);
/* What the root is to be mounted on. */
int place_target(void);
/* The directory of the tmpfs. */
int place_scratch(void);

#endif
