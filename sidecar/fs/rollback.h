/*
 * Mount points and what else was made for a box, taken back when it fails, and on the host's own root when it ends.
 *
 * The process that supervises does that, when the box has ended with all its mounts: by then it has the privileges for
 * it in any case, and nothing lies on them. The box hands it the directories, as descriptors, and the names in them.
 */
#ifndef NSBOX_FS_ROLLBACK_H
#define NSBOX_FS_ROLLBACK_H

#include <stdbool.h>

#include "plan/contract.h"

/*
 * In the box: whether what is made from now on stays when the box ends (CHANNEL_MADE_STAYS), or is nsbox's own
 * (CHANNEL_MADE_OWN).
 */
void rollback_set(int how);
/* In the box: NAME was made in the directory PARENT. */
void rollback_remember(int parent, const char *name, bool directory);
/*
 * In the box: FD, which was there, is used as a mount point. False: another box that has made it takes it away just
 * now.
 */
bool rollback_use(int fd);
/* In the box: there is something to be told if it fails. */
bool rollback_has_entries(void);
/* In the box, before its command is started: tell what goes at the end. */
void rollback_tell_what_goes(int link);
/* In the box, which has failed: tell the rest of it, latest first. */
void rollback_send(int link);
/* In the supervisor, before there is a box: no box that fails takes back what lies below this root while we use it. */
void rollback_lock(const struct plan *plan);
/* In the supervisor: what was made in PARENT, which becomes ours. HOW: CHANNEL_MADE_*. */
struct channel_made;
void rollback_receive(int parent, const struct channel_made *made, int how);
/*
 * In the supervisor: LOCK, which becomes ours, is on what the box uses, or on what the next rollback_receive tells of.
 */
void rollback_hold(int lock);
/*
 * In the supervisor, after the end of the box. ALONE: no process of it can be left. Leaves what other boxes may use by
 * now.
 */
void rollback_take_back(bool failed, bool alone);

#endif
