/*
 * Mount trees: they are made, get their options, and are then attached by descriptor. With the mount API of Linux 5.12
 * they are detached trees until then; with mount(2) they wait in a staging directory that no path of the box leads to.
 */
#ifndef NSBOX_FS_TREE_H
#define NSBOX_FS_TREE_H

#include <stdbool.h>

#include "fs/setting.h"

/* Finds out which API the kernel has; OLD forces mount(2). */
void tree_set_up(bool old);
bool tree_is_old(void);
/* Sets the staging directory of mount(2), which must be empty, private and out of the box's reach. */
void tree_stage_at(const char *path);

/* Take hold of a path of the host, now, with all that is mounted below it. -1 with errno. */
int tree_hold(const char *path);
/* The same of a mount that nobody has named: whatever would be mounted there at its first use isn't. */
int tree_hold_unnamed(const char *path);
/* The same of what a descriptor refers to, which stays open. */
int tree_hold_at(int fd);
/* The same of a path of the host as the plan names it, base/host.h. */
int tree_hold_host(const char *path);
/* A tree of what is held, which is taken. -1 with errno. */
int tree_of(int held);
/*
 * A tree of what a descriptor refers to, which stays open, without what is mounted below where the kernel allows that.
 * -1 with errno.
 */
int tree_alone(int fd);
/* A new file system, mounted with options (ROOT_OPTIONS_*). -1 with errno. */
int tree_new(const char *type, unsigned options, const struct setting *settings);
/*
 * The same with parameters that may be too long for fsconfig(2), which takes 255 bytes each: mount(2) takes a page of them
 * together. TARGET: an attached directory of ours that may be covered meanwhile.
 */
int tree_new_long(const char *type, unsigned options, const struct setting *settings, int target);
/* The kernel's own words about why the last one could not be made, or NULL. */
const char *tree_hint(void);
/* Add options (ROOT_OPTIONS_*), for all mounts of the tree. -1 with errno. */
int tree_restrict(int tree, unsigned options);
/* Let go of a tree that is not attached; what is open on it stays. */
void tree_discard(int tree);
/* Make the top mount read-only or writable, and nothing else. -1 with errno. */
int tree_set_readonly(int tree, bool readonly);
/* Mount the tree on what TARGET refers to. TREE stays a descriptor of its top directory. -1 with errno. */
int tree_attach(int tree, int target);
/* The same on what is NAME in a directory that nobody else can write to. */
int tree_attach_at(int tree, int directory, const char *name);

#endif
