/*
 * Loads the C library's loader, ld.so, as the kernel does for other programs.
 *
 * The kernel finds no loader's name in the table of segments of dist/nsbox (PT_INTERP), so it starts our code alone.
 * entry.ts keeps the whole table, with that name, behind our code. Where the C library is needed, its loader gets that
 * table, by the words behind the caller's variables, and then does all as ever.
 */
#ifndef NSBOX_NATIVE_LOADER_H
#define NSBOX_NATIVE_LOADER_H

#include "file.h"
#include "limits.h"
#include "table.h"
#include "text.h"

#if defined(__x86_64__)
enum { MACHINE = 62 };
#else
enum { MACHINE = 183 };
#endif

__asm__(
	"no_loader: .asciz \"nsbox: start: loader of the C library: \"\n"
	"not_there: .asciz \": No such file or directory (ENOENT)\\nhint: this program needs glibc; where there is musl, as on Alpine, install the npm package\\n\"\n"
	"not_loaded: .asciz \": can't be loaded\\nhint: the file has to be readable, on a mount without noexec\\n\"\n");

/* elf(5), for files of 64 bits. Not each compiler that makes this code has <elf.h>. */
struct elf_header {
	uint32_t magic, class[3];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, segments, sections;
	uint32_t flags;
	uint16_t size, segment_size, segment_count, more[3];
};
_Static_assert(sizeof(struct elf_header) == 64, "the header of an ELF file");
enum { ELF_MAGIC = 0x464c457f, SHARED_OBJECT = 3 };

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, address, physical, file_size, memory_size, alignment;
};
_Static_assert(sizeof(struct elf_segment) == 56, "a program header");
enum { LOADED = 1, SEGMENT_EXECUTED = 1, SEGMENT_WRITTEN = 2, SEGMENT_READ = 4 };

/* A word of what the kernel says about the program, getauxval(3). */
struct auxiliary {
	uint64_t kind, value;
};
enum { NO_MORE = 0, SEGMENTS = 3, SEGMENT_COUNT = 5, PAGE_SIZE = 6, LOADER_BASE = 7 };

/* The beginning of an ELF file, which has all that we need to know of a loader. */
union elf_start {
	struct elf_header header;
	char bytes[2048];
};

/* The word of this kind, or the one behind all words. */
static struct auxiliary *auxiliary_word(struct auxiliary *word, uint64_t kind)
{
	while (word->kind != kind && word->kind != NO_MORE)
		word++;
	return word;
}

static int is_loader(const union elf_start *file, long size)
{
	const struct elf_header *header = &file->header;
	return size >= (long)sizeof *header && header->magic == ELF_MAGIC && header->type == SHARED_OBJECT &&
		   header->machine == MACHINE && header->segment_size == sizeof(struct elf_segment) &&
		   header->segment_count > 0 && header->segments <= sizeof *file &&
		   header->segments + header->segment_count * sizeof(struct elf_segment) <= (uint64_t)size;
}

static long protection_of(const struct elf_segment *segment)
{
	enum { TO_READ = 1, TO_WRITE = 2, TO_EXECUTE = 4 };
	return (segment->flags & SEGMENT_READ ? TO_READ : 0) | (segment->flags & SEGMENT_WRITTEN ? TO_WRITE : 0) |
		   (segment->flags & SEGMENT_EXECUTED ? TO_EXECUTE : 0);
}

/* Maps a segment of FILE. What the file doesn't have of it is 0. */
static int map_segment(long file, const struct elf_segment *segment, uintptr_t base, uintptr_t page)
{
	enum { PRIVATE_FIXED = 0x12, PRIVATE_FIXED_ANONYMOUS = 0x32 };
	const uintptr_t start = (base + segment->address) & -page, end = base + segment->address + segment->file_size,
					file_end = (end + page - 1) & -page,
					memory_end = (base + segment->address + segment->memory_size + page - 1) & -page;
	if (call6(MMAP, (long)start, (long)(end - start), protection_of(segment), PRIVATE_FIXED, file,
			(long)(segment->offset & -page)) != (long)start)
		return 0;
	if (segment->memory_size > segment->file_size)
		for (char *byte = (char *)end; byte < (char *)file_end; byte++)
			*byte = 0;
	return memory_end <= file_end || call6(MMAP, (long)file_end, (long)(memory_end - file_end), protection_of(segment),
										 PRIVATE_FIXED_ANONYMOUS, -1, 0) == (long)file_end;
}

/* Maps the loader that FILE starts with. Returns the distance to its addresses, or 0. */
static uintptr_t map_loader(long file, const union elf_start *start, uintptr_t page)
{
	enum { NO_ACCESS = 0, PRIVATE_ANONYMOUS = 0x22, ERRORS = -4096 };
	const struct elf_segment *segments = (const struct elf_segment *)(start->bytes + start->header.segments);
	uintptr_t end = 0;
	for (int i = 0; i < start->header.segment_count; i++)
		if (segments[i].type == LOADED)
			end = segments[i].address + segments[i].memory_size;
	long base = call6(MMAP, 0, (long)end, NO_ACCESS, PRIVATE_ANONYMOUS, -1, 0);
	if (base < 0 && base > ERRORS)
		return 0;
	for (int i = 0; i < start->header.segment_count; i++)
		if (segments[i].type == LOADED && !map_segment(file, segments + i, (uintptr_t)base, page))
			return 0;
	return (uintptr_t)base;
}

static _Noreturn void refuse_loader(const char *path, long failed)
{
	const char *reason = failed == -2 ? ADDRESS_OF("not_there") : ADDRESS_OF("not_loaded"),
			   *before = ADDRESS_OF("no_loader");
	write_all(STDERR, before, (long)length_of(before));
	write_all(STDERR, path, (long)length_of(path));
	refuse(reason);
}

/* Loads the loader, and returns its entry point. WORDS: what the kernel says about the program. */
static uintptr_t load_loader(struct auxiliary *words)
{
	const struct elf_segment *headers = address_of(PROGRAM_HEADERS), *headers_end = address_of(LOADER);
	const char *path = address_of(LOADER);
	union elf_start start;
	long file = call4(OPENAT, HERE, path, CLOSE_ON_EXEC, 0);
	if (file < 0)
		refuse_loader(path, file);
	const uintptr_t page = auxiliary_word(words, PAGE_SIZE)->value;
	uintptr_t base = 0;
	if (is_loader(&start, call4(READ, file, start.bytes, sizeof start, 0)))
		base = map_loader(file, &start, page);
	if (!base)
		refuse_loader(path, 0);
	call4(CLOSE, file, 0, 0, 0);
	auxiliary_word(words, LOADER_BASE)->value = base;
	auxiliary_word(words, SEGMENTS)->value = (uintptr_t)headers;
	auxiliary_word(words, SEGMENT_COUNT)->value = (uint64_t)(headers_end - headers);
	return base + start.header.entry;
}

#endif
