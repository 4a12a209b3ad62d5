/* Reads archives by libarchive: tar in all its dialects, and cpio. */
#ifndef NSBOX_UNPACK_ARCHIVE_H
#define NSBOX_UNPACK_ARCHIVE_H

#include <archive.h>

/* Places all entries of the archive that stream_read() brings. Fails by event_fail(). */
void archive_place(void);

/*
 * Returns the kind of an uncompressed archive: "docker-archive" or "oci-archive" if all its names are those of one,
 * else "tar" or "cpio", or "unknown". Stops reading at the first other name.
 */
const char *archive_classify(void);

/* Has ARCHIVE read from stream_read(): ARCHIVE_OK if it is an archive. */
int archive_open_stream(struct archive *archive);

#endif
