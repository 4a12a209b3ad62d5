/* Finds the files of a live system in an ISO 9660 image: where each lies, so that it can be read without a mount. */
#ifndef NSBOX_UNPACK_ISO_H
#define NSBOX_UNPACK_ISO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iso_source {
	/* Reads exactly SIZE bytes at OFFSET. 0, or -1. */
	int (*read)(void *image, void *bytes, size_t size, uint64_t offset);
	void *image;
	uint64_t size; /* of the image */
};

struct iso_visitor {
	void (*volume)(const char *id);
	void (*file)(const char *path, uint64_t offset, uint64_t size);
};

/*
 * Calls VISITOR->volume once and VISITOR->file for each file below casper/, live/, LiveOS/ and arch/. Names are those
 * of Rock Ridge, else of Joliet, else of ISO 9660 in lower case. NULL, or what is wrong with the image.
 */
const char *iso_walk(const struct iso_source *source, const struct iso_visitor *visitor);

#endif
