/* The trees of tree.h by mount(2), for Linux before 5.12: one at a time, in a staging directory. */
#ifndef NSBOX_FS_TREE_OLD_H
#define NSBOX_FS_TREE_OLD_H

#include <stdbool.h>

#include "fs/setting.h"

void old_stage_at(const char *path);
int old_bind(int opened);
int old_bind_alone(int fd);
int old_new(const char *type, const struct setting *settings);
int old_restrict(int tree, unsigned options);
void old_discard(void);
int old_set_readonly(int tree, bool readonly);
int old_attach(int target);

/* Mounts a new file system on PLACE, with one page of parameters at most. -1 with errno. */
int old_mount(const char *type, const char *target, const struct setting *settings);

#endif
