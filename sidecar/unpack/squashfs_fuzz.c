/* Feeds arbitrary bytes to the reader of squashfs. */
#include "unpack/fuzz.h"

#include "unpack/links.c"
#include "unpack/squashfs_walk.c"
#include "unpack/squashfs_decompress.c"
#include "unpack/squashfs_ahead.c"
#include "unpack/squashfs.c"
#include "unpack/squashfs_metadata.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = file_of(data, size);
	if (setjmp(failed) == 0)
		squashfs_place(fd, 0);
	close_image();
	links_forget();
	close(fd);
	return 0;
}
