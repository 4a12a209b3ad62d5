/* Feeds arbitrary bytes to the search for a file system in a squashfs. What is printed has a form that others rely on.
 */
#include "unpack/fuzz.h"

#include "unpack/links.c"
#include "unpack/squashfs_walk.c"
#include "unpack/squashfs_decompress.c"
#include "unpack/squashfs_ahead.c"
#include "unpack/squashfs.c"
#include "unpack/squashfs_metadata.c"
#include "unpack/nested.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = file_of(data, size);
	if (setjmp(failed) == 0)
		nested_print(fd, 0);
	close_image();
	links_forget();
	close(fd);
	return 0;
}
