/* Protects nsbox's own directories on the host: a box can't make, change or replace them. */
#ifndef NSBOX_FS_OWN_H
#define NSBOX_FS_OWN_H

#include "plan/contract.h"

/* Makes them read-only, once all is mounted, wherever the box could write to one, and pins them in their places. */
void own_protect(const struct plan *plan);

#endif
