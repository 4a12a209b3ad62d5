/* Feeds arbitrary bytes to what joins the members of initial RAM disks, and to the decoders. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unpack/decode.c"
#include "unpack/cpio.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t raw_bytes, joined_bytes;

static void take_raw(const void *bytes, size_t length)
{
	(void)bytes;
	raw_bytes += length;
}

static void take_joined(const void *bytes, size_t length)
{
	(void)bytes;
	joined_bytes += length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	int number;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	raw_bytes = joined_bytes = 0;
	input_open(&in, fd, UINT64_MAX);
	if (!cpio_join(&in, take_raw, take_joined, &number) && joined_bytes > raw_bytes + HEADER + 14)
		abort();
	free(in.buffer);
	close(fd);
	return 0;
}
