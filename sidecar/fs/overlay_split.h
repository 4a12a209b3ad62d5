/*
 * The overlay of a root with mounts below it, in a user namespace. The kernel refuses such a root as a lower directory,
 * since an overlay would show what those mounts hide. What does work is to put the box's root together: the overlay is
 * made over a copy of the root directory, with its symbolic links and otherwise empty; then each directory of the root
 * gets an overlay of its own. A directory with mounts below, and a file, show as they are on the host, read-only.
 *
 * Below STATE: upper/ and upper/NAME as in an overlay of the whole root, work/ for the one, works/NAME for the others.
 */
#ifndef NSBOX_FS_OVERLAY_SPLIT_H
#define NSBOX_FS_OVERLAY_SPLIT_H

#include <stdbool.h>

#include "fs/overlay.h"

/*
 * Take hold of what is in LOWER, which is PATH. False, and nothing held, where no mount lies below it. Fails by fail().
 */
bool overlay_split_hold(int lower, const char *path);
/* As overlay_attach. */
int overlay_split_attach(struct layers layers, int target, unsigned options, const char *name);
/* Make the overlays of the directories read-only. -1 with errno. */
int overlay_split_set_readonly(void);

#endif
