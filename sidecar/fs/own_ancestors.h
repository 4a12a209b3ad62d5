/*
 * The directories of the host that are nsbox's own ones or lead to them. A box that shows one of them writable could
 * make, change or replace nsbox's own.
 */
#ifndef NSBOX_FS_OWN_ANCESTORS_H
#define NSBOX_FS_OWN_ANCESTORS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "plan/contract.h"

/* Its inode identifies it, since mounts and links give it other names. REST is the rest of the path from there on. */
struct own_ancestor {
	dev_t device;
	ino_t inode;
	char *rest;
	struct own_ancestor *next;
};

/* Finds them, while paths still lead to the host's. */
void own_ancestors_find(const struct plan *plan);
/* Whether the box could write to one of them, as far as paths of the host show. */
bool own_ancestors_are_shown(void);
/*
 * Whether the box may write only where its root shows the host's own, so that each directory has one path, that of the
 * host. Then there is no list.
 */
bool own_ancestors_are_plain(void);
const struct own_ancestor *own_ancestors(void);
/* stat(2) of a directory of the host, as it was found. */
const struct stat *own_ancestors_stat(const char *path);

#endif
