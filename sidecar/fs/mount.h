/* Makes the plan's mounts, in its order. */
#ifndef NSBOX_FS_MOUNT_H
#define NSBOX_FS_MOUNT_H

#include "plan/contract.h"

/* Raises the limit on descriptors for the opened sources. */
void mounts_raise_limit(const struct plan *plan);
/* Opens all that they show of the host, while paths still lead there. */
void mounts_open_sources(const struct plan *plan);
/* Whether one of them needs the scratch tmpfs of staging.h. */
bool mounts_need_scratch(const struct plan *plan);
/* Makes all of them in the root. */
void mounts_apply(const struct plan *plan);
/* Restores the limit on descriptors for the command, once the opened sources are closed. */
void mounts_restore_limit(void);

#endif
