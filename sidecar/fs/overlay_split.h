/*
 * The overlay of a root with mounts below it, in a user namespace. The kernel refuses such a root as a lower directory,
 * since an overlay would show what those mounts hide. So the root is split: one overlay lies over a copy of the root
 * directory, which has its symbolic links and empty entries, and each directory of the root gets an overlay of its own.
 * Files, and directories with mounts below, are bound from the host, read-only.
 *
 * STATE has upper/ and upper/NAME as an overlay of the whole root has, work/ for the first overlay, and works/NAME for
 * the others.
 */
#ifndef NSBOX_FS_OVERLAY_SPLIT_H
#define NSBOX_FS_OVERLAY_SPLIT_H

#include <stdbool.h>

#include "fs/overlay.h"

/*
 * Opens the entries of LOWER, whose path is PATH. False, and nothing is open, if no mount lies below it. Fails by
 * fail().
 */
bool overlay_split_open(int lower, const char *path);
/* As overlay_attach. */
int overlay_split_attach(struct layers layers, int target, unsigned options, const char *name);
/* Makes the overlays of the directories read-only. -1 with errno. */
int overlay_split_set_readonly(void);

#endif
