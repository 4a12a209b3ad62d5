/* Feeds arbitrary bytes to the reader of tar and cpio archives, and their names to the checks of names. */
#include "unpack/fuzz.h"

#include <archive.h>

/* A failure leaves the reader, which has to be freed. */
static struct archive *latest;
static struct archive *new_reader(void) { return latest = archive_read_new(); }
#define archive_read_new new_reader

#include "unpack/archive.c"
#include "unpack/classify.c"
#include "unpack/name.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[PATH_MAX], name[PATH_MAX];
	int fd = file_of(data, size);
	stream_file = fd;
	const char *kind = archive_classify();
	if (!kind || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	if (setjmp(failed) == 0)
		archive_place();
	else
		archive_read_free(latest);
	close(fd);
	if (size < sizeof name) {
		memcpy(name, data, size);
		name[size] = '\0';
		if (setjmp(failed) == 0) {
			name_clean(name, name, path);
			if (path[0] == '/' || strstr(path, "//") || strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0 ||
				strstr(path, "/../") || (strlen(path) > 0 && path[strlen(path) - 1] == '/'))
				abort();
		}
	}
	return 0;
}
