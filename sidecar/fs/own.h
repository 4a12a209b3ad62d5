/* Directories of nsbox itself on the host, which a box can't make, change or replace. */
#ifndef NSBOX_FS_OWN_H
#define NSBOX_FS_OWN_H

#include <stdbool.h>

#include "plan/contract.h"

/* Learn what leads to them, while paths still are the host's. */
void own_look(const struct plan *plan);
/* Whether the box could write to one of them, as far as paths of the host tell. */
bool own_shows(void);
/* When all is mounted: wherever the box could write to one, it is read-only and held in its place. */
void own_protect(const struct plan *plan);

#endif
