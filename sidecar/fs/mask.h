/* What is in the box and is not to be seen, or not to be changed. */
#ifndef NSBOX_FS_MASK_H
#define NSBOX_FS_MASK_H

#include "plan/contract.h"

/* Put an empty file or directory over what is there. */
void mask_hide(const struct mount *mount);
/* Make what is there read-only, with all that is mounted below. */
void mask_protect(const struct mount *mount);
/* Show a sysfs of the box's own network; where the kernel does not let us, that of the host, read-only. */
void mask_sysfs(const struct mount *mount);
/* Show the hierarchy of the box's own control group, or an empty directory where the kernel does not let us. */
void mask_cgroup(const struct mount *mount);

/* Fail where TARGET (or -1) is in no file system of the kernel's, but one of that TYPE shows elsewhere in the root. */
void mask_refuse_elsewhere(int target, const char *type, const char *path);

#endif
