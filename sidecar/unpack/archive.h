/* Reads archives by libarchive: tar in all its dialects, and cpio. */
#ifndef NSBOX_UNPACK_ARCHIVE_H
#define NSBOX_UNPACK_ARCHIVE_H

/* Places all entries of the uncompressed archive that FD brings. Fails by event_fail(). */
void archive_place(int fd);

#endif
