/*
 * A view of a directory: a tmpfs on which every entry of the directory is bound back. Mount points can be made in it
 * without a trace on the host. The tmpfs becomes read-only once all is mounted, so that the box can't write files there
 * that would vanish.
 */
#ifndef NSBOX_FS_VIEW_H
#define NSBOX_FS_VIEW_H

#include "plan/contract.h"

/*
 * Mounts a view of DIRECTORY on it. All entries get OPTIONS (ROOT_OPTIONS_*). Those that PLAN, if it isn't NULL, puts a
 * copy of a file at are left out. Returns a descriptor of its top.
 */
int view_make(int directory, unsigned options, const char *path, const struct plan *plan);
/* Mounts a view on the mount's target. */
void view_mount(const struct plan *plan, const struct mount *mount);
void view_seal_all(void);

#endif
