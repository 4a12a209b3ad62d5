#include "unpack/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unpack/event.h"
#include "unpack/place.h"
#include "unpack/stream.h"

struct reader {
	struct archive *archive;
	struct archive_entry *entry;
};

/*
 * Where the stream ended early, the decoder's own error is the cause. The decoder has ended by now or soon will, since
 * nobody reads its output any more.
 */
static _Noreturn void fail(struct reader *reader, const char *entry)
{
	struct stream_result result;
	char text[256];
	const char *message = archive_error_string(reader->archive);
	snprintf(text, sizeof text, "archive is damaged: %s", message ? message : "no reason known");
	stream_close(&result);
	event_fail(text, entry, 0);
}

static int archive_content(void *archive, const void **bytes, size_t *length, int64_t *offset)
{
	struct reader *reader = archive;
	int result = archive_read_data_block(reader->archive, bytes, length, offset);
	if (result == ARCHIVE_EOF)
		return 0;
	if (result != ARCHIVE_OK)
		fail(reader, archive_entry_pathname(reader->entry));
	return 1;
}

static bool archive_attribute(void *archive, const char **name, const void **value, size_t *size)
{
	struct reader *reader = archive;
	return archive_entry_xattr_next(reader->entry, name, value, size) == ARCHIVE_OK;
}

/* Checks an id of the archive: the kernel would take one that it can't hold for another one, or for "no change". */
static uint32_t id_of(int64_t id, const char *entry)
{
	if (id < 0 || id >= UINT32_MAX)
		event_failf(entry, "owner %lld is not an id", (long long)id);
	return (uint32_t)id;
}

static void place_one(struct reader *reader)
{
	struct archive_entry *entry = reader->entry;
	const char *hard_link = archive_entry_hardlink(entry);
	const struct entry_source source = {reader, archive_content, archive_attribute};
	const struct timespec mtime = {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
	const struct timespec atime = {archive_entry_atime(entry), archive_entry_atime_nsec(entry)};
	const struct entry placed = {
		.name = archive_entry_pathname(entry),
		.link = hard_link ? hard_link : archive_entry_symlink(entry),
		.hard_link = hard_link != NULL,
		.mode = archive_entry_mode(entry),
		.uid = id_of(archive_entry_uid(entry), archive_entry_pathname(entry)),
		.gid = id_of(archive_entry_gid(entry), archive_entry_pathname(entry)),
		.size = archive_entry_size(entry),
		.mtime = mtime,
		.atime = archive_entry_atime_is_set(entry) ? atime : mtime,
	};
	if (!placed.name)
		event_fail("entry has no name", NULL, 0);
	archive_entry_xattr_reset(entry);
	place(&placed, &source);
}

static la_ssize_t read_stream(struct archive *archive, void *data, const void **bytes)
{
	(void)archive, (void)data;
	return (la_ssize_t)stream_read(bytes);
}

int archive_open_stream(struct archive *archive)
{
	archive_read_support_format_tar(archive);
	archive_read_support_format_cpio(archive);
	return archive_read_open(archive, NULL, NULL, read_stream, NULL);
}

void archive_place(void)
{
	struct reader reader = {.archive = archive_read_new()};
	int result;
	if (!reader.archive)
		event_fail("no memory for the archive", NULL, ENOMEM);
	if (archive_open_stream(reader.archive) != ARCHIVE_OK)
		fail(&reader, NULL);
	while ((result = archive_read_next_header(reader.archive, &reader.entry)) == ARCHIVE_OK || result == ARCHIVE_WARN)
		place_one(&reader);
	if (result != ARCHIVE_EOF)
		fail(&reader, NULL);
	archive_read_free(reader.archive);
}
