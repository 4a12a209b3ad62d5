#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <string.h>

#include "unpack/archive.h"

enum { DIGEST_DIGITS = 64 };

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);
	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Docker's older archives have a directory for each layer, whose name is a digest. */
static bool starts_with_digest(const char *name)
{
	return strspn(name, "0123456789abcdef") == DIGEST_DIGITS && (name[DIGEST_DIGITS] == '/' || !name[DIGEST_DIGITS]);
}

static bool is_blobs(const char *name) { return strncmp(name, "blobs", 5) == 0 && (name[5] == '/' || !name[5]); }

/* Whether an archive of images may have a file of that name: at its top, or among its blobs. */
static bool is_name_of_image(const char *name)
{
	if (is_blobs(name) || starts_with_digest(name))
		return true;
	if (strchr(name, '/'))
		return false;
	return strcmp(name, "oci-layout") == 0 || strcmp(name, "repositories") == 0 || ends_with(name, ".json") ||
		   ends_with(name, ".tar");
}

/* The name without "./" at its start. */
static const char *plain_name(const char *name)
{
	while (name[0] == '.' && (name[1] == '/' || !name[1]))
		name += 1 + strspn(name + 1, "/");
	return name + strspn(name, "/");
}

const char *archive_classify(void)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	bool docker = false, oci = false, other = false, any = false;
	int result;
	if (!archive)
		return "unknown";
	if (archive_open_stream(archive) != ARCHIVE_OK) {
		archive_read_free(archive);
		return "unknown";
	}
	while (!other && ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK || result == ARCHIVE_WARN)) {
		const char *name = archive_entry_pathname(entry);
		any = true;
		if (!name || !*(name = plain_name(name)))
			continue;
		docker = docker || strcmp(name, "manifest.json") == 0;
		oci = oci || strcmp(name, "index.json") == 0;
		other = !is_name_of_image(name);
	}
	bool cpio = (archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_CPIO;
	archive_read_free(archive);
	if (!any)
		return "unknown";
	return cpio ? "cpio" : other ? "tar" : docker ? "docker-archive" : oci ? "oci-archive" : "tar";
}
