/*
 * Descriptors 0 to 2 that are a device of dev.h, as /dev/null is for a job of cron: they are opened again through a
 * read-only mount. Through the caller's descriptors, root in the box could change mode, owner and times of the host's
 * nodes.
 */
#ifndef NSBOX_FS_INHERITED_H
#define NSBOX_FS_INHERITED_H

/* In a new box: opens them again, once the box's mounts are there, and while the host's /dev is, too. */
void inherited_renew(void);
/* Before a box is entered: opens the host's devices, since the box may have none. */
void inherited_open(void);
/* In an entered box: uses the box's devices, or else the ones that inherited_open has opened. */
void inherited_renew_entered(void);

#endif
