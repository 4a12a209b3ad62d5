/* Protects nsbox's own directories on the host: a box can't make, change or replace them. */
#ifndef NSBOX_FS_OWN_H
#define NSBOX_FS_OWN_H

#include <stdbool.h>

#include "plan/contract.h"

/* Finds the directories that lead to them, while paths still lead to the host's. */
void own_look(const struct plan *plan);
/* Whether the box could write to one of them, as far as paths of the host show. */
bool own_shows(void);
/* Makes them read-only, once all is mounted, wherever the box could write to one, and pins them in their places. */
void own_protect(const struct plan *plan);

#endif
