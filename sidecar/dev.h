/* A minimal /dev: a few devices of the host, terminals of its own. */
#ifndef NSBOX_DEV_H
#define NSBOX_DEV_H

#include "contract.h"

void dev_mount(const struct mount *mount);

#endif
