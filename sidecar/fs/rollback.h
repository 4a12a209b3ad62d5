/*
 * In the box: notes mount points and other files that are made for it. They are removed when the box fails, and on the
 * host's own root also when it ends: by the supervisor (take_back.h), to which the box sends the directories, as
 * descriptors, and the names in them.
 */
#ifndef NSBOX_FS_ROLLBACK_H
#define NSBOX_FS_ROLLBACK_H

#include <stdbool.h>
#include <sys/types.h>

/* Sets the CHANNEL_MADE_* flags of files that are made from now on (STAYS, OWN). */
void rollback_set_flags(int how);
/* Call it before making a file, then rollback_remember, or rollback_done if that failed. */
void rollback_begin(void);
/* Notes that NAME was made in the directory PARENT, and ends what rollback_begin began. */
void rollback_remember(int parent, const char *name, bool directory);
void rollback_done(void);
/*
 * Notes that FD, an existing file, is used as a mount point. False: the box that made it is removing it
 * right now.
 */
bool rollback_use(int fd);
/* The same for a directory that is open for reading. It stays ours; false: close it, and open the path again. */
bool rollback_use_opened(int fd);
/*
 * Makes the directory NAME in PARENT, which has to stay open, and opens it for reading. It is removed when
 * the box ends. -1 with errno.
 */
int rollback_make_directory(int parent, const char *name, mode_t mode);
/*
 * Notes that the directory NAME was made in PARENT, which goes with all that is in it when the box ends. LOCK is the
 * directory, locked, and becomes ours.
 */
void rollback_remember_tree(int parent, const char *name, int lock);
/* Notes that we use the link NAME in PARENT, which was there. */
void rollback_use_link(int parent, const char *name);
/* Whether a failure has something to send. */
bool rollback_has_entries(void);
/* Before the command is started: sends the entries that are removed when the box ends. */
void rollback_send_transient(int channel);
/* In a box that has failed: sends the other entries, latest first. */
void rollback_send_rest(int channel);

#endif
