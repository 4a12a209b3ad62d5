/* The root directory of the box: held, attached, and made the root. */
#ifndef NSBOX_FS_ROOT_H
#define NSBOX_FS_ROOT_H

#include <stdbool.h>

#include "plan/contract.h"

/* Take hold of it, while paths still are the host's. */
void root_hold(const struct root *root);
/* Mount it in its place; a descriptor of it. */
int root_attach(const struct root *root);
/* All mount points are made: a read-only root is read-only from here on. */
void root_seal(const struct root *root, int fd);
/* The box has failed: what was made in the root can be taken back again. */
void root_unseal(void);
/* It is read-only, and was not before. */
bool root_is_sealed(void);
/* Make it the root of this process, and let go of the old one. */
void root_switch(int fd);

#endif
