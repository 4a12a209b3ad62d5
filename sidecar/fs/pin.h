/*
 * Pins directories and links: no process in the box can rename, replace or remove them, though the directories are
 * writable.
 *
 * A mount point can't be renamed, and the kernel counts a mount at any path in this mount namespace
 * (is_local_mountpoint, Linux 3.18). So each pinned directory becomes a mount point in a second mount of its parent,
 * which another mount hides. The box still sees one mount, in which renames and hard links from directory to directory
 * work.
 */
#ifndef NSBOX_FS_PIN_H
#define NSBOX_FS_PIN_H

#include "plan/contract.h"

/* Mounts the stash for those second mounts on TARGET, at PATH. The next mount at the same target hides it. */
void pin_stash(int target, const char *path);
/*
 * Pins all directories and links on the path from mount->from to mount->target. Without a stash the first directory is
 * mounted on itself.
 */
void pin_hold(const struct mount *mount);

#endif
