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
void pin_apply(const struct mount *mount);
/* The same, as far as the path exists; its last part may be a file or a link that leads nowhere. */
void pin_apply_there(const struct mount *mount);
/*
 * Enters the directories on PATH, below the top of the mount ON, whose path is its first START bytes; makes what is
 * missing, and pins each as pin_apply does. Returns the descriptor of the last component's directory, which stays ours.
 * -1: something else than a directory is on the way, or there is no stash; EACCES: neither we nor the box can make what
 * is missing.
 */
struct mounted;
int pin_enter(const struct mounted *on, const char *path, size_t start);

#endif
