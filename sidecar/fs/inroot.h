/*
 * Resolves paths of the box in the box's root: no link leads outside of it, and a path below a mount of the plan is
 * resolved from that mount (mounted.h).
 */
#ifndef NSBOX_FS_INROOT_H
#define NSBOX_FS_INROOT_H

#include <stdbool.h>
#include <sys/types.h>

struct mounted;
struct stat;

/* Uses the checked walk instead of openat2(2), as on Linux before 5.6. */
void inroot_force_walk(void);
/* Opens PATH with O_PATH inside of any directory ROOT. -1 with errno. FLAGS may hold O_NOFOLLOW and O_DIRECTORY. */
int inroot_open(int root, const char *path, int flags);

/* Sets the function that makes a masked directory writable, before something is made in it. */
void inroot_open_masks_by(struct mounted *(*function)(const struct mounted *mask));
/*
 * A path of the plan without empty components, "." and "..". It is cleaned as text, so a link before ".." isn't
 * followed. "" is the root.
 */
const char *inroot_clean(const char *path);
/* The functions below take clean paths. */

/* Opens PATH in the box with O_PATH. -1 with errno. *ON, unless ON is NULL, becomes the mount that it was found on. */
int inroot_find(const char *path, int flags, struct mounted **on);
/*
 * Called for one component: NAME in the directory PARENT; PARENT is -1 if NAME is a mount of the plan. A link isn't
 * followed yet. FD belongs to the caller; ST is its stat.
 */
typedef void inroot_visit(int parent, const char *name, int fd, const struct stat *st);
/*
 * Opens the directory PATH in the box by the checked walk. -1 with errno. EACH is called for each component, also in
 * links.
 */
int inroot_walk(const char *path, inroot_visit *each);
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
