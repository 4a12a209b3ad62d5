/*
 * In the supervisor: removes what was made for a box (rollback.h), once the box has ended with all its mounts. The
 * supervisor has the privileges, and nothing is mounted on those files any more.
 */
#ifndef NSBOX_FS_TAKE_BACK_H
#define NSBOX_FS_TAKE_BACK_H

#include <stdbool.h>

#include "plan/contract.h"

struct channel_made;

/* Before there is a box: locks the root, so that no other box that fails removes files that we use. */
void take_back_lock_root(const struct plan *plan);
/* Stores an entry. PARENT and LOCK, which may be -1, become ours. HOW: CHANNEL_MADE_*. */
void take_back_add(int parent, int lock, const struct channel_made *made, int how);
/*
 * USERNS is the box's user namespace, and becomes ours: changes on a disk may belong to ids that only it has rights
 * over.
 */
void take_back_as(int userns);
/* Removes what was made, unless another box may use it. ALONE: no process of the box can be left. */
void take_back_all(bool failed, bool alone);

#endif
