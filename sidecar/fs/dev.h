/* A minimal /dev: a few devices of the host, and a devpts of its own. */
#ifndef NSBOX_FS_DEV_H
#define NSBOX_FS_DEV_H

#include <sys/types.h>

#include "plan/contract.h"

void dev_mount(const struct mount *mount);
/* The name that a device of the host has in it, or NULL. */
const char *dev_name(dev_t number);
/* Opens a device in it. -1 with errno; ENODEV: the box has no /dev of its own. */
int dev_open(const char *name, int flags);

#endif
