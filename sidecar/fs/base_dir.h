/* The directory of the host that relative paths of a plan start from. */
#ifndef NSBOX_FS_BASE_DIR_H
#define NSBOX_FS_BASE_DIR_H

#include <stdbool.h>


/* The plan has paths that are told from where the program lies. */
bool base_dir_is_needed(void);
/*
 * Before anything of the host is opened. BAKED: the plan came from our own executable, and its relative paths start
 * there.
 */
void base_dir_enter(bool baked);
/* Back to the caller's directory, where nsbox enter finds it. */
void base_dir_leave(void);

#endif
