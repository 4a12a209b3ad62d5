/* A minimal /dev: a few devices of the host, terminals of its own. */
#ifndef NSBOX_DEV_H
#define NSBOX_DEV_H

#include "contract.h"

/* IDMAP may be NULL: ids are the host's. */
void dev_mount(const struct mount *mount, const struct idmap *idmap, int root);

#endif
