/* Where a plan is run from: the directory of the caller, and the one that relative paths of the host start from. */
#ifndef NSBOX_ORIGIN_H
#define NSBOX_ORIGIN_H

#include "plan/contract.h"

/* Before anything of the host is opened. BAKED: the plan came from our own executable, and its relative paths start there. */
void base_dir_enter(const struct plan *plan, bool baked);
/* The caller's directory, as an absolute path of the host; NULL where it has none. */
const char *base_dir_cwd(void);

#endif
