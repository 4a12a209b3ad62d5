/* The directory of the host that relative paths of a plan start from. */
#ifndef NSBOX_ORIGIN_H
#define NSBOX_ORIGIN_H

#include "contract.h"

/* The plan has paths that are told from where the program lies. */
bool origin_is_needed(const struct plan *plan);
/* Before anything of the host is opened. BAKED: the plan came from our own executable, and its relative paths start there. */
void origin_enter(const struct plan *plan, bool baked);
/* Back to the caller's directory, where nsbox enter finds it. */
void origin_leave(void);

#endif
