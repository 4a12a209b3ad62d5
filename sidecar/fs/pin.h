/*
 * Directories and links that nobody in the box can rename, replace or remove, though the directories are writable.
 *
 * A mount point can't be renamed, and what the kernel looks at is whether anything in this mount namespace is mounted
 * on the directory, by whatever path (is_local_mountpoint, Linux 3.18). So each is a mount point in a second mount of
 * its parent, which lies in a place that another mount hides: what the box sees stays one mount, and renames and hard
 * links across the directory work.
 */
#ifndef NSBOX_FS_PIN_H
#define NSBOX_FS_PIN_H

#include "plan/contract.h"

/* The place for them. The next mount at the same target hides it. */
void pin_stash(const struct mount *mount);
/*
 * Hold all that leads from mount->from, which shows it, to mount->target. Without a place to hide it the first
 * directory is mounted on itself.
 */
void pin_hold(const struct mount *mount);

#endif
