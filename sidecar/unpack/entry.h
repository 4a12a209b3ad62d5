/* An entry of an archive, whatever its format. */
#ifndef NSBOX_UNPACK_ENTRY_H
#define NSBOX_UNPACK_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct entry {
	const char *name; /* as in the archive */
	const char *link; /* what a symbolic link or a hard link leads to, or NULL */
	bool hard_link;
	mode_t mode; /* with the type */
	uid_t uid;
	gid_t gid;
	dev_t device;
	int64_t size; /* of a regular file, or of the content that comes with a hard link */
	struct timespec atime, mtime;
};

/* Where content and attributes of the entry come from. */
struct entry_source {
	void *archive;
	/* The next piece of content: 1; 0 at the end. Fails by event_fail(). Between pieces there may be holes. */
	int (*read)(void *archive, const void **bytes, size_t *length, int64_t *offset);
	/* The next extended attribute. False: no more. */
	bool (*attribute)(void *archive, const char **name, const void **value, size_t *size);
};

#endif
