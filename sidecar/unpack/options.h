/* The command line. */
#ifndef NSBOX_UNPACK_OPTIONS_H
#define NSBOX_UNPACK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "unpack/place.h"

enum format { FORMAT_AUTO, FORMAT_TAR, FORMAT_CPIO, FORMAT_SQUASHFS };

struct options {
	const char *command;
	enum format format;
	enum whiteouts whiteouts;
	bool keep_owners;
	uint64_t offset, size; /* of the archive in its file; SIZE is UINT64_MAX if it wasn't given */
	uint64_t max_bytes, max_entries;
	char **names; /* what follows the options */
	int name_count;
};

/* Fails by event_fail(). */
void options_read(struct options *options, int argc, char **argv);

#endif
