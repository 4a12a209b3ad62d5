/*
 * The place on the host's own directories where the box's root is put together. Only our mount namespace sees what is
 * mounted there, and it goes with the old root.
 */
#ifndef NSBOX_FS_STAGING_H
#define NSBOX_FS_STAGING_H

#include <stdbool.h>

/* FILES: with a tmpfs, which the copies of `file` mounts need. */
void staging_open(bool files);
/* What the root is to be mounted on. */
int staging_target(void);
/* The directory of the tmpfs. */
int staging_scratch(void);

#endif
