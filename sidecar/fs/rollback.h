/*
 * Removes mount points and other files that were made for a box: when the box fails, and on the host's own root also
 * when it ends.
 *
 * The supervisor does that once the box has ended with all its mounts: it has the privileges, and nothing is mounted on
 * them any more. The box sends it the directories, as descriptors, and the names in them.
 */
#ifndef NSBOX_FS_ROLLBACK_H
#define NSBOX_FS_ROLLBACK_H

#include <stdbool.h>
#include <sys/types.h>

#include "plan/contract.h"

/* In the box: sets the CHANNEL_MADE_* flags of files that are made from now on (STAYS, OWN). */
void rollback_set(int how);
/* In the box: call it before making a file, then rollback_remember, or rollback_done if that failed. */
void rollback_begin(void);
/* In the box: notes that NAME was made in the directory PARENT. */
void rollback_remember(int parent, const char *name, bool directory);
void rollback_done(void);
/*
 * In the box: notes that FD, an existing file, is used as a mount point. False: the box that made it is removing it
 * right now.
 */
bool rollback_use(int fd);
/* The same for a directory that is open for reading. It stays ours; false: close it, and open the path again. */
bool rollback_use_opened(int fd);
/*
 * In the box: makes the directory NAME in PARENT, which has to stay open, and opens it for reading. It is removed when
 * the box ends. -1 with errno.
 */
int rollback_make_directory(int parent, const char *name, mode_t mode);
/* In the box: notes that we use the link NAME in PARENT, which was there. */
void rollback_use_link(int parent, const char *name);
/* In the box: whether a failure has something to send. */
bool rollback_has_entries(void);
/* In the box, before its command is started: sends the entries that are removed when the box ends. */
void rollback_tell_what_goes(int link);
/* In a box that has failed: sends the other entries, latest first. */
void rollback_send(int link);
/*
 * In the supervisor, before there is a box: locks the root, so that no other box that fails removes files that we use.
 */
void rollback_lock(const struct plan *plan);
/* In the supervisor: stores an entry. PARENT and LOCK, which may be -1, become ours. HOW: CHANNEL_MADE_*. */
struct channel_made;
void rollback_receive(int parent, int lock, const struct channel_made *made, int how);
/*
 * In the supervisor, after the end of the box: removes what was made, unless another box may use it. ALONE: no process
 * of the box can be left.
 */
void rollback_take_back(bool failed, bool alone);

#endif
