/* Places the entries of an archive in the layer that is being unpacked. No name of the archive leads out of it. */
#ifndef NSBOX_UNPACK_PLACE_H
#define NSBOX_UNPACK_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* How an archive says that a file of a lower layer is hidden. */
enum whiteouts {
	WHITEOUTS_NONE,
	WHITEOUTS_OCI, /* a name that starts with .wh., as the OCI image specification has it */
	WHITEOUTS_OVERLAY, /* a device 0:0, and an attribute of opaque directories, as overlays have it */
};

struct place_options {
	bool keep_owners; /* else every file belongs to who unpacks */
	enum whiteouts whiteouts;
	uint64_t max_bytes, max_entries;
};

struct place_entry {
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
struct place_source {
	void *archive;
	/* The next piece of content: 1; 0 at the end. Fails by event_fail(). Between pieces there may be holes. */
	int (*read)(void *archive, const void **bytes, size_t *length, int64_t *offset);
	/* The next extended attribute. False: no more. */
	bool (*attribute)(void *archive, const char **name, const void **value, size_t *size);
};

struct place_total {
	uint64_t bytes, entries;
	uint64_t size; /* on disk: content in blocks of 4 KiB, and a block for everything else */
};

/* Unpacks into the directory fs of TARGET, which is made, above the layers LOWER/0, LOWER/1... */
void place_open(const struct place_options *options, const char *target, const char *lower);
void place(const struct place_entry *entry, const struct place_source *source);
/* Sets what has to be last. */
struct place_total place_finish(void);

#endif
