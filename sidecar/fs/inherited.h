/*
 * Descriptors 0 to 2 that are one of the devices of dev.h, as /dev/null is in a job of cron: the box gets them through
 * a read-only mount. By the caller's own, root in the box could change mode, owner and times of the host's node.
 */
#ifndef NSBOX_FS_INHERITED_H
#define NSBOX_FS_INHERITED_H

/* In a new box, once its mounts are there and the host's /dev still is. */
void inherited_renew(void);
/* Before a box is entered, and then in it: the host's devices, for a box that has none. */
void inherited_hold(void);
void inherited_renew_entered(void);

#endif
