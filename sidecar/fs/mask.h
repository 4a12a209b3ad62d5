/* Hides files and directories in the box, or makes them read-only. */
#ifndef NSBOX_FS_MASK_H
#define NSBOX_FS_MASK_H

#include <stdbool.h>

#include "plan/contract.h"

/* Whether the box can have no other id than ours. */
void mask_set_one_id(bool one);
/* Whether, by an error number, there is nothing at a path, or nothing that the box could reach. */
bool mask_is_out_of_reach(int number);
/* What hides others, in the order of COVER_NAMES. */
enum cover { COVER_FILE, COVER_DIRECTORY, COVER_CLOSED, COVER_SOCKET };
/* A mount of it, with its options, to make copies of. It stays ours. */
int mask_mounted_cover(enum cover cover);
/* Mounts an empty file or directory over the target, or a file that can't be opened. */
void mask_hide(const struct mount *mount);
/* Makes the target read-only, with all that is mounted below it. False: it is missing, and may be. */
bool mask_protect(const struct mount *mount);
/* Mounts a sysfs of the box's own network; if the kernel refuses that, the host's sysfs, read-only. */
void mask_sysfs(const struct mount *mount);
/* Mounts the hierarchy of the box's own control group; if the kernel refuses that, an empty directory. */
void mask_cgroup(const struct mount *mount);

/* Fails if TARGET (or -1) isn't on a procfs or sysfs, but a file system of that TYPE shows elsewhere in the root. */
void mask_refuse_elsewhere(int target, const char *type, const char *path);

#endif
