/* A minimal /dev: a few devices of the host, terminals of its own. */
#ifndef NSBOX_FS_DEV_H
#define NSBOX_FS_DEV_H

#include <sys/types.h>

#include "plan/contract.h"

void dev_mount(const struct mount *mount);
/* The name in it of a device of the host, or NULL. */
const char *dev_name(dev_t number);
/* Open one of them there. -1 with errno: ENODEV where the box has no /dev of its own. */
int dev_open(const char *name, int flags);

#endif
