#include "unpack/existing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unpack/attributes.h"
#include "unpack/event.h"

enum { BUFFER = 64 << 10 /* XATTR_LIST_MAX and XATTR_SIZE_MAX, too */ };

struct existing {
	const char *about;
	int fd; /* -1: a link or a fifo, of which nothing is read */
	int64_t offset;
	char list[BUFFER]; /* names of attributes */
	ssize_t list_length, list_at;
	char buffer[BUFFER]; /* content, or the value of an attribute */
	char link[PATH_MAX];
};

static int existing_content(void *archive, const void **bytes, size_t *length, int64_t *offset)
{
	struct existing *file = archive;
	ssize_t got = pread(file->fd, file->buffer, sizeof file->buffer, file->offset);
	if (got < 0)
		event_fail("read a file", file->about, errno);
	*bytes = file->buffer;
	*length = (size_t)got;
	*offset = file->offset;
	file->offset += got;
	return got > 0;
}

static bool existing_attribute(void *archive, const char **name, const void **value, size_t *size)
{
	struct existing *file = archive;
	while (file->list_at < file->list_length) {
		*name = file->list + file->list_at;
		file->list_at += (ssize_t)strlen(*name) + 1;
		ssize_t got = attributes_is_allowed(*name) ? fgetxattr(file->fd, *name, file->buffer, sizeof file->buffer) : -1;
		*value = file->buffer;
		*size = (size_t)got;
		if (got >= 0)
			return true;
	}
	return false;
}

void existing_open(int parent, const char *name, const struct stat *st, const char *about, struct entry *entry,
	struct entry_source *source)
{
	struct existing *file = calloc(1, sizeof *file);
	if (!file)
		event_fail("no memory to read a file", about, ENOMEM);
	file->about = about;
	bool readable = S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
	file->fd = readable ? openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	if ((readable && file->fd < 0) ||
		(S_ISLNK(st->st_mode) && readlinkat(parent, name, file->link, sizeof file->link - 1) < 0))
		event_fail("read a file", about, errno);
	file->list_length = file->fd >= 0 ? flistxattr(file->fd, file->list, sizeof file->list) : 0;
	*entry = (struct entry){
		.link = S_ISLNK(st->st_mode) ? file->link : NULL,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.device = st->st_rdev,
		.size = S_ISREG(st->st_mode) ? st->st_size : 0,
		.atime = st->st_atim,
		.mtime = st->st_mtim,
	};
	*source = (struct entry_source){file, existing_content, existing_attribute};
}

void existing_close(struct entry_source *source)
{
	struct existing *file = source->archive;
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}
