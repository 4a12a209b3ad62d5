/* Every path in the box is resolved here, in the box's root: no link in it leads outside. */
#ifndef NSBOX_TARGET_H
#define NSBOX_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

/* Use the checked walk instead of openat2(2), as a kernel before 5.6 does. */
void inroot_force_walk(void);
/* O_PATH descriptor of PATH inside ROOT, or -1 with errno. FLAGS: 0 or O_NOFOLLOW, O_DIRECTORY. */
int inroot_open(int root, const char *path, int flags);
/* The same, made if missing (with its parents) as a directory or as an empty file. Fails by fail(). */
int inroot_make(int root, const char *path, bool directory, mode_t mode);
/* The directory that holds the last component of PATH, made if missing; *NAME is that component. */
int inroot_parent(int root, const char *path, const char **name);
/* PATH as a symbolic link that says TO; one that is there and says the same is left. */
void inroot_link(int root, const char *path, const char *to);
/* A directory whose last component is not a link, made if missing. */
int inroot_make_unlinked(int root, const char *path);
/* Whether FD is the root directory itself. There is one root in a process. */
bool inroot_is_root(int root, int fd);

#endif
