#ifndef NSBOX_FS_MOUNT_POINT_H
#define NSBOX_FS_MOUNT_POINT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Makes NAME in PARENT, a directory or an empty file, and opens it with O_PATH. -1 with EEXIST if NAME exists by now;
 * else fails by fail(). IS_LAST: NAME is the last component of PATH, and not a directory on the way to it.
 */
int mount_point_make(int parent, const char *name, bool is_last, bool directory, mode_t mode, const char *path);

#endif
