/* What is read-only in the box, and can be so only once all that lies below it is there. */
#ifndef NSBOX_FS_SEAL_H
#define NSBOX_FS_SEAL_H

struct mounted;

/* The mount with this descriptor at its top, and none below it; the descriptor stays open. */
void seal_later(int fd, const char *path);
/* A directory that is hidden, and in which something has to be made: one of its own is put over that of all masks. */
struct mounted *seal_open_mask(const struct mounted *mask);
/* All mounts are made. */
void seal_apply(void);

#endif
