/* The directory of the host that a plan's relative paths start from. */
#ifndef NSBOX_FS_BASE_DIR_H
#define NSBOX_FS_BASE_DIR_H

#include <stdbool.h>

/* Whether the plan has relative paths, which start from the program's directory. */
bool base_dir_is_needed(void);
/* Enters that directory, before anything of the host is opened. BAKED: the plan came from our own executable. */
void base_dir_enter(bool baked);
/* Goes back to the caller's directory, where nsbox enter looks for it. */
void base_dir_leave(void);

#endif
