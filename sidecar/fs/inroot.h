/*
 * Resolves paths of the box in the box's root: no link leads outside of it, and a path below a mount of the plan is
 * resolved from that mount (mounted.h).
 */
#ifndef NSBOX_FS_INROOT_H
#define NSBOX_FS_INROOT_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs/walk.h"

struct mounted;

/* Uses the checked walk instead of openat2(2), as on Linux before 5.6. */
void inroot_force_walk(void);
/* Opens PATH with O_PATH inside of any directory ROOT. -1 with errno. FLAGS may hold O_NOFOLLOW and O_DIRECTORY. */
int inroot_open(int root, const char *path, int flags);

/* The functions below take clean paths (clean_path.h). */

/* Opens PATH in the box with O_PATH. -1 with errno. *ON, unless ON is NULL, becomes the mount that it was found on. */
int inroot_find(const char *path, int flags, struct mounted **on);
/*
 * Opens the directory PATH in the box by the checked walk. -1 with errno. EACH is called for each component, also in
 * links.
 */
int inroot_walk(const char *path, walk_visit *each);
/*
 * As inroot_find, but makes PATH and its parents if they are missing, as a directory or as an empty file, also at the
 * end of a dangling link. Fails by fail().
 */
int inroot_make(const char *path, bool directory, mode_t mode);
/* Opens the directory that holds the last component of PATH, and makes it if it is missing; *NAME is that component. */
int inroot_parent(const char *path, const char **name);
/* Makes PATH a symbolic link to TO. An equal link that is there already stays. */
void inroot_link(const char *path, const char *to);
/* Opens a directory whose last component isn't a link, and makes it if it is missing. */
int inroot_make_unlinked(const char *path);
/* Whether FD is the box's root directory itself. */
bool inroot_is_root(int fd);

#endif
