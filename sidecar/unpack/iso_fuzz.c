/* Feeds arbitrary bytes to the reader of ISO images. What it finds lies inside of the image. */
#include <stdint.h>
#include <stdlib.h>

#include "unpack/iso.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *data;
	size_t size;
};

static uint64_t image_size;

static int read_bytes(void *image, void *to, size_t size, uint64_t offset)
{
	const struct bytes *bytes = image;
	if (offset > bytes->size || size > bytes->size - offset)
		abort();
	memcpy(to, bytes->data + offset, size);
	return 0;
}

static void check_volume(const char *id)
{
	if (strlen(id) > 32)
		abort();
}

static void check_file(const char *path, uint64_t offset, uint64_t size)
{
	if (!strchr(path, '/') || path[0] == '/' || offset > image_size || size > image_size - offset)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = {data, size};
	const struct iso_source source = {read_bytes, &bytes, size};
	const struct iso_visitor visitor = {check_volume, check_file};
	image_size = size;
	iso_walk(&source, &visitor);
	return 0;
}
