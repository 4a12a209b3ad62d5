/* Reads archives by libarchive: tar in all its dialects, and cpio. */
#ifndef NSBOX_UNPACK_ARCHIVE_H
#define NSBOX_UNPACK_ARCHIVE_H

/* Places all entries of the uncompressed archive that FD brings. Fails by event_fail(). */
void archive_place(int fd);

/*
 * Returns the kind of an uncompressed archive: "docker-archive" or "oci-archive" if all its names are those of one,
 * else "tar" or "cpio", or "unknown". Stops reading at the first other name.
 */
const char *archive_classify(int fd);

#endif
