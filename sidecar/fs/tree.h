/*
 * Mount trees: they are made, get their options, and are then attached by descriptor. With the mount API of Linux 5.12
 * they are detached trees until then; with mount(2) they wait in a staging directory that no path of the box leads to.
 */
#ifndef NSBOX_FS_TREE_H
#define NSBOX_FS_TREE_H

#include <stdbool.h>

#include "fs/setting.h"
#include "plan/contract.h"

/* The options of a mount that nothing can be changed or executed on. */
enum { TREE_SEALED = ROOT_OPTIONS_RO | ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV | ROOT_OPTIONS_NOEXEC };

/* Finds out which API the kernel has; OLD forces mount(2). */
void tree_set_up(bool old);
bool tree_is_old(void);
/* Sets the staging directory of mount(2), which must be empty, private and out of the box's reach. */
void tree_stage_at(const char *path);

/* Opens a path of the host now, with all that is mounted below it, for tree_of. -1 with errno. */
int tree_open(const char *path);
/* As tree_open, for a mount that the plan doesn't name: an automount there isn't triggered. */
int tree_open_unnamed(const char *path);
/* As tree_open, for a descriptor, which stays open. */
int tree_open_at(int fd);
/* As tree_open, for a path of the host that the plan names, base/host.h. */
int tree_open_host(const char *path);
/* The tree of OPENED, which becomes the tree's or is closed. -1 with errno. */
int tree_of(int opened);
/* A tree of FD, which stays open, without the mounts below it, if the kernel allows that. -1 with errno. */
int tree_alone(int fd);
/* Mounts a new file system with options (ROOT_OPTIONS_*). -1 with errno. */
int tree_new(const char *type, unsigned options, const struct setting *settings);
/*
 * The same with parameters that may be too long for fsconfig(2), which takes 255 bytes each: mount(2) takes a page of
 * them together. TARGET: an attached directory of ours that may be covered meanwhile.
 */
int tree_new_long(const char *type, unsigned options, const struct setting *settings, int target);
/* The kernel's own words about the last failure of tree_new, or NULL. */
const char *tree_hint(void);
/* Adds options (ROOT_OPTIONS_*) to all mounts of the tree. -1 with errno. */
int tree_restrict(int tree, unsigned options);
/* Drops a tree that isn't attached; files that are open on it stay open. */
void tree_discard(int tree);
/* Makes the top mount read-only or writable, and changes nothing else. -1 with errno. */
int tree_set_readonly(int tree, bool readonly);
/* Mounts the tree on TARGET. TREE stays a descriptor of its top directory. -1 with errno. */
int tree_attach(int tree, int target);
/* Mounts the tree on NAME in a directory that only we can write to. */
int tree_attach_at(int tree, int directory, const char *name);

#endif
