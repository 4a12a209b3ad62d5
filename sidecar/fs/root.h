/* The box's root directory: opens it, attaches it, and makes it the root. */
#ifndef NSBOX_FS_ROOT_H
#define NSBOX_FS_ROOT_H

#include <stdbool.h>

#include "plan/contract.h"

/* Opens it, while paths still lead to the host's. */
void root_open_sources(const struct root *root);
/* Mounts it at the staging directory. Returns a descriptor of it. */
int root_attach(const struct root *root);
/* Makes a read-only root read-only, once all mount points are made. */
void root_seal(const struct root *root, int fd);
/* Makes the root writable again, once the box has failed, so that what was made in it can be removed. */
void root_unseal(void);
/* Whether root_seal has made it read-only. */
bool root_is_sealed(void);
/* Makes it the root of this process, and detaches the old one. */
void root_switch(int fd);

#endif
