/*
 * A view of a directory: a tmpfs on which every entry of the directory is bound back. Mount points can be made in it
 * without a trace on the host. The tmpfs becomes read-only once all is mounted, so that the box can't write files there
 * that would vanish.
 */
#ifndef NSBOX_FS_VIEW_H
#define NSBOX_FS_VIEW_H

#include "plan/contract.h"

/* Mounts a view of DIRECTORY on it. All entries get OPTIONS (ROOT_OPTIONS_*). Returns a descriptor of its top. */
int view_make(int directory, unsigned options, const char *path);
/* Mounts a view on the mount's target. */
void view_mount(const struct plan *plan, const struct mount *mount);
void view_seal_all(void);

#endif
