/* Feeds arbitrary bytes to the reader of squashfs. */
#include "unpack/fuzz.h"

#include "unpack/links.c"
#include "unpack/squashfs.c"
#include "unpack/squashfs_metadata.c"

int lzo1x_decompress_safe(
	const unsigned char *in, unsigned long length, unsigned char *out, unsigned long *room, void *memory);
int lzo1x_decompress_safe(
	const unsigned char *in, unsigned long length, unsigned char *out, unsigned long *room, void *memory)
{
	(void)in, (void)length, (void)out, (void)room, (void)memory;
	return -1;
}

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
