/*
 * Every path in the box is resolved here, in the box's root: no link in it leads outside, and what lies below a mount
 * of the plan is looked up from that mount (mounted.h).
 */
#ifndef NSBOX_FS_INROOT_H
#define NSBOX_FS_INROOT_H

#include <stdbool.h>
#include <sys/types.h>

struct mounted;

/* Use the checked walk instead of openat2(2), as a kernel before 5.6 does. */
void inroot_force_walk(void);
/*
 * O_PATH descriptor of PATH inside the directory ROOT, whatever that is, or -1 with errno. FLAGS: 0 or O_NOFOLLOW,
 * O_DIRECTORY.
 */
int inroot_open(int root, const char *path, int flags);

/* What makes room in a hidden directory, before anything is made below it. */
void inroot_open_masks_by(struct mounted *(*function)(const struct mounted *mask));
/*
 * A path of the plan without empty components, "." and "..", as text: what a link before ".." says does not count. ""
 * is the root.
 */
const char *inroot_clean(const char *path);
/* The following take clean paths. */

/*
 * O_PATH descriptor of PATH in the box, or -1 with errno. *ON, unless it is NULL, becomes the mount that it was found
 * on.
 */
int inroot_find(const char *path, int flags, struct mounted **on);
/*
 * Sees a part of a way: NAME in the directory PARENT, or a mount of the plan where that is -1; a link is not followed
 * yet. FD is closed by others.
 */
typedef void inroot_visit(int parent, const char *name, int fd);
/*
 * The directory PATH in the box, by the checked walk from the mount that shows it, or -1 with errno; EACH sees every
 * part, also of what links lead through.
 */
int inroot_walk(const char *path, inroot_visit *each);
/*
 * The same as inroot_find, made if missing, also where a link leads to what is not there, with its parents: as a
 * directory or as an empty file. Fails by fail().
 */
int inroot_make(const char *path, bool directory, mode_t mode);
/* The directory that holds the last component of PATH, made if missing; *NAME is that component. */
int inroot_parent(const char *path, const char **name);
/* PATH as a symbolic link that says TO; one that is there and says the same is left. */
void inroot_link(const char *path, const char *to);
/* A directory whose last component is not a link, made if missing. */
int inroot_make_unlinked(const char *path);
/* Whether FD is the root directory itself. */
bool inroot_is_root(int fd);

#endif
