/* The plan's mounts, in its order. */
#ifndef NSBOX_FS_MOUNT_H
#define NSBOX_FS_MOUNT_H

#include "plan/contract.h"

/* Take hold of all that they show of the host, while paths still are the host's. */
void mounts_hold(const struct plan *plan);
/* Whether one of them needs the scratch tmpfs of place.h. */
bool mounts_need_scratch(const struct plan *plan);
/* Mount and make all of them in the root. */
void mounts_apply(const struct plan *plan);
/* What was held is closed: the command gets the limit on descriptors as it was. */
void mounts_restore_limit(void);

#endif
