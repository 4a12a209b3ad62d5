/*
 * A directory as it is, made anew on a tmpfs with each entry bound back, so that what is missing in it can be made
 * without a trace on the host. Its own level is sealed when all is mounted: nothing that the box writes there is lost
 * in silence.
 */
#ifndef NSBOX_FS_VIEW_H
#define NSBOX_FS_VIEW_H

#include "plan/contract.h"

/*
 * Of what DIRECTORY is, mounted on it; OPTIONS (ROOT_OPTIONS_*) hold for all that is bound back. A descriptor of its
 * top.
 */
int view_make(int directory, unsigned options, const char *path);
/* The same for the directory at the mount's target. */
void view_mount(const struct plan *plan, const struct mount *mount);
void view_seal_all(void);

#endif
