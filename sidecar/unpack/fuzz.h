/*
 * Shared by the fuzzers of this room, in place of event.c, place.c, stream.c and shims.c. A failure leaves the reader,
 * and an entry is read to its end, with what every reader promises of it.
 */
#ifndef NSBOX_UNPACK_FUZZ_H
#define NSBOX_UNPACK_FUZZ_H

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unpack/event.h"
#include "unpack/place.h"
#include "unpack/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static jmp_buf failed;

void event_fail(const char *what, const char *entry, int number)
{
	if (!what || !*what || number < 0 || (entry && strlen(entry) > 1 << 20))
		abort();
	longjmp(failed, 1);
}

void event_failf(const char *entry, const char *format, ...) { event_fail(format, entry, 0); }

/* A path below the top of an image, and where it lies there. */
void event_file(const char *path, uint64_t offset, uint64_t size)
{
	if (!strchr(path, '/') || path[0] == '/' || offset > UINT64_MAX - size)
		abort();
}

/* Only heads of files are printed so here: bytes as hexadecimal digits. */
void event_print(const char *event, const char *key, const char *text)
{
	size_t length = strlen(text);
	if (strcmp(event, "head") != 0 || strcmp(key, "bytes") != 0 || length % 2 != 0 ||
		strspn(text, "0123456789abcdef") != length)
		abort();
}

void place(const struct entry *entry, const struct entry_source *source)
{
	const void *bytes;
	const char *name;
	size_t length;
	int64_t offset, total = 0;
	unsigned sum = 0;
	if (!entry->name || (entry->hard_link && !entry->link))
		abort();
	/* As place.c, which asks for content only where there is some. */
	for (int pieces = 0; entry->size > 0 && total < 1 << 20 && pieces < 1000 &&
						 source->read(source->archive, &bytes, &length, &offset) > 0;
		 pieces++) {
		for (size_t i = 0; i < length; i++)
			sum += ((const unsigned char *)bytes)[i];
		total += (int64_t)length;
	}
	while (source->attribute(source->archive, &name, &bytes, &length))
		sum += (unsigned)strlen(name) + (length ? *(const unsigned char *)bytes : 0);
	if (sum == UINT32_MAX)
		abort();
}

/* What stream_read() reads. */
static int stream_file = -1;

size_t stream_read(const void **bytes)
{
	static unsigned char piece[1 << 12];
	ssize_t got = read(stream_file, piece, sizeof piece);
	*bytes = piece;
	return got > 0 ? (size_t)got : 0;
}

void stream_close(struct stream_result *result) { *result = (struct stream_result){.bytes = 0}; }

int lzo1x_decompress_safe(
	const unsigned char *in, unsigned long length, unsigned char *out, unsigned long *room, void *memory);
int lzo1x_decompress_safe(
	const unsigned char *in, unsigned long length, unsigned char *out, unsigned long *room, void *memory)
{
	(void)in, (void)length, (void)out, (void)room, (void)memory;
	return -1;
}

/* A file with the bytes. */
static inline int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

#endif
