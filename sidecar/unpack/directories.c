#include "unpack/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unpack/event.h"

struct note {
	mode_t mode;
	struct timespec times[2]; /* access, modification */
	size_t length;
};

static FILE *notes;

void directories_open(const char *path)
{
	char name[PATH_MAX];
	snprintf(name, sizeof name, "%s/directories-XXXXXX", path);
	int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0 || unlink(name) < 0 || !(notes = fdopen(fd, "w+")))
		event_fail("make a file", name, errno);
}

void directories_note(const char *path, mode_t mode, const struct timespec *atime, const struct timespec *mtime)
{
	struct note note = {mode & 07777, {*atime, *mtime}, strlen(path)};
	if (fwrite(&note, sizeof note, 1, notes) != 1 || fwrite(path, 1, note.length, notes) != note.length)
		event_fail("note the mode of a directory", path, errno);
}

void directories_apply(int (*directory)(const char *path))
{
	struct note note;
	char path[PATH_MAX];
	if (fflush(notes) != 0)
		event_fail("note the mode of a directory", NULL, errno);
	rewind(notes);
	while (fread(&note, sizeof note, 1, notes) == 1) {
		if (note.length >= sizeof path || fread(path, 1, note.length, notes) != note.length)
			event_fail("read the modes of directories", NULL, EIO);
		path[note.length] = '\0';
		int fd = directory(path);
		/* A later entry has taken its place. */
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			continue;
		if (fd < 0)
			event_fail("open a directory", path, errno);
		/* fchmod(2) takes no descriptor of O_PATH. "." isn't a link. */
		if (utimensat(fd, ".", note.times, 0) < 0)
			event_fail("set the time", path, errno);
		if (fchmodat(fd, ".", note.mode, 0) < 0)
			event_fail("set the mode", path, errno);
		close(fd);
	}
	fclose(notes);
}
