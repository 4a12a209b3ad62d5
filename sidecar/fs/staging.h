/*
 * The staging directory: a directory of the host on which the box's root is mounted first. Only our mount namespace
 * sees what is mounted there, and detaching the old root removes it.
 */
#ifndef NSBOX_FS_STAGING_H
#define NSBOX_FS_STAGING_H

#include <stdbool.h>

/* Opens it. FILES: mounts the scratch tmpfs, too, which masks and the copies of `file` mounts need. */
void staging_open(bool files);
/* The directory that the root is mounted on. */
int staging_target(void);
/* The top of the scratch tmpfs. */
int staging_scratch(void);

#endif
