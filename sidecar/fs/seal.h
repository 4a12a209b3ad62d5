/* Mounts that become read-only last, once all mount points below them are made. */
#ifndef NSBOX_FS_SEAL_H
#define NSBOX_FS_SEAL_H

struct mounted;

/* Notes the mount with the top FD; mounts below it stay as they are. FD must stay open. */
void seal_later(int fd, const char *path);
/*
 * Gives a masked directory a tmpfs of its own, so that something can be made in it: all masks share one empty
 * directory.
 */
struct mounted *seal_open_mask(const struct mounted *mask);
/* Makes the noted mounts read-only. */
void seal_apply(void);

#endif
