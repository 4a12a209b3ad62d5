/*
 * Locks by which boxes know of each other that they use a file which one of them has made: the last of them removes it,
 * and a file that was there before any box stays. Nothing on the disk is changed for that.
 *
 * A made file is marked by a read lock on its first byte, held by each box that uses it. A link can't be opened: the
 * byte of its directory at the link's inode number stands for it.
 */
#ifndef NSBOX_FS_USE_LOCK_H
#define NSBOX_FS_USE_LOCK_H

#include <stdbool.h>

struct stat;

/* Closes the gate before a file is made, and opens it when the file is marked. errno stays. */
void use_lock_gate(bool closed);
void use_lock_mark(int fd);
bool use_lock_is_marked(int fd);
/* Whether FD is marked; waits for a box that may be about to do that. */
bool use_lock_gets_marked(int fd);
/* Opens NAME in PARENT, marks it, and locks it shared by flock(2). -1 if that fails. */
int use_lock_file(int parent, const char *name);
/* The same for a link with the inode of ST; the descriptor is its directory's. -1 if that fails. */
int use_lock_link(int parent, const struct stat *st);
/* Whether another descriptor has a lock on the link; FD is its directory. */
bool use_lock_has_link(int fd, const struct stat *st);
/* Releases the lock. Whether no other box uses the link. */
bool use_lock_leave_link(int fd, const struct stat *st);

#endif
