/* Places the entries of an archive in the layer that is being unpacked. No name of the archive leads out of it. */
#ifndef NSBOX_UNPACK_PLACE_H
#define NSBOX_UNPACK_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "unpack/entry.h"

/* How an archive says that a file of a lower layer is hidden. */
enum whiteouts {
	WHITEOUTS_NONE,
	WHITEOUTS_OCI, /* a name that starts with .wh., as the OCI image specification has it */
	WHITEOUTS_OVERLAY, /* a device 0:0, and an attribute of opaque directories, as overlays have it */
};

struct place_options {
	bool keep_owners; /* false: every file belongs to the user who unpacks */
	enum whiteouts whiteouts;
	uint64_t max_bytes, max_entries;
};

struct place_total {
	uint64_t bytes, entries;
	uint64_t size; /* on disk: content in blocks of 4 KiB, and a block for everything else */
};

/* Unpacks into the directory fs of TARGET, which is made, above the layers LOWER/0, LOWER/1... (LOWER may be NULL). */
void place_open(const struct place_options *options, const char *target, const char *lower);
void place(const struct entry *entry, const struct entry_source *source);
/* Removes PATH, a clean path, from the layer. */
void place_remove(const char *path);
/* Sets what has to be last. */
struct place_total place_finish(void);

#endif
