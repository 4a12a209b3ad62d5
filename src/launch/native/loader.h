/*
 * Loads the C library's loader, ld.so, as the kernel does for other programs.
 *
 * The kernel finds no loader's name in the table of segments of dist/nsbox (PT_INTERP), so it starts our code alone.
 * entry.ts keeps the whole table, with that name, behind our code. Where the C library is needed, its loader gets that
 * table, by the words behind the caller's variables, and then does all as ever.
 */
#ifndef NSBOX_NATIVE_LOADER_H
#define NSBOX_NATIVE_LOADER_H

#include <elf.h>

#include "file.h"
#include "limits.h"
#include "table.h"
#include "text.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#else
enum { MACHINE = EM_AARCH64 };
#endif

__asm__(
	"no_loader: .asciz \"nsbox: start: loader of the C library: \"\n"
	"not_there: .asciz \": No such file or directory (ENOENT)\\nhint: this program needs glibc; where there is musl, as on Alpine, install the npm package\\n\"\n"
	"not_loaded: .asciz \": can't be loaded\\nhint: the file has to be readable, on a mount without noexec\\n\"\n");

/* The beginning of an ELF file, which has all that we need to know of a loader. */
union elf_start {
	uint32_t magic;
	Elf64_Ehdr header;
	char bytes[2048];
};

/* Finds what the kernel says about the program behind the variables, getauxval(3): the word of this kind, or the end.
 */
static Elf64_auxv_t *auxiliary_word(Elf64_auxv_t *word, uint64_t kind)
{
	while (word->a_type != kind && word->a_type != AT_NULL)
		word++;
	return word;
}

static int is_loader(const union elf_start *file, long size)
{
	const Elf64_Ehdr *header = &file->header;
	return size >= (long)sizeof *header && file->magic == 0x464c457f /* \177ELF */ && header->e_type == ET_DYN &&
		   header->e_machine == MACHINE && header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum > 0 &&
		   header->e_phoff + header->e_phnum * sizeof(Elf64_Phdr) <= (uint64_t)size;
}

static long protection_of(const Elf64_Phdr *segment)
{
	enum { TO_READ = 1, TO_WRITE = 2, TO_EXECUTE = 4 };
	return (segment->p_flags & PF_R ? TO_READ : 0) | (segment->p_flags & PF_W ? TO_WRITE : 0) |
		   (segment->p_flags & PF_X ? TO_EXECUTE : 0);
}

/* Maps a segment of FILE. What the file doesn't have of it is 0. */
static int map_segment(long file, const Elf64_Phdr *segment, uintptr_t base, uintptr_t page)
{
	enum { PRIVATE_FIXED = 0x12, PRIVATE_FIXED_ANONYMOUS = 0x32 };
	const uintptr_t start = (base + segment->p_vaddr) & -page, end = base + segment->p_vaddr + segment->p_filesz,
					file_end = (end + page - 1) & -page,
					memory_end = (base + segment->p_vaddr + segment->p_memsz + page - 1) & -page;
	if (call6(MMAP, (long)start, (long)(end - start), protection_of(segment), PRIVATE_FIXED, file,
			(long)(segment->p_offset & -page)) != (long)start)
		return 0;
	if (segment->p_memsz > segment->p_filesz)
		for (char *byte = (char *)end; byte < (char *)file_end; byte++)
			*byte = 0;
	return memory_end <= file_end || call6(MMAP, (long)file_end, (long)(memory_end - file_end), protection_of(segment),
										 PRIVATE_FIXED_ANONYMOUS, -1, 0) == (long)file_end;
}

/* Maps the loader that FILE starts with. Returns the distance to its addresses, or 0. */
static uintptr_t map_loader(long file, const union elf_start *start, uintptr_t page)
{
	enum { NO_ACCESS = 0, PRIVATE_ANONYMOUS = 0x22, ERRORS = -4096 };
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(start->bytes + start->header.e_phoff);
	uintptr_t end = 0;
	for (int i = 0; i < start->header.e_phnum; i++)
		if (segments[i].p_type == PT_LOAD)
			end = segments[i].p_vaddr + segments[i].p_memsz;
	long base = call6(MMAP, 0, (long)end, NO_ACCESS, PRIVATE_ANONYMOUS, -1, 0);
	if (base < 0 && base > ERRORS)
		return 0;
	for (int i = 0; i < start->header.e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && !map_segment(file, segments + i, (uintptr_t)base, page))
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

/* Loads the loader, and returns its entry point. AUXILIARY: the words behind the caller's variables. */
static uintptr_t load_loader(Elf64_auxv_t *auxiliary)
{
	const Elf64_Phdr *headers = address_of(PROGRAM_HEADERS), *headers_end = address_of(LOADER);
	const char *path = address_of(LOADER);
	union elf_start start;
	long file = call4(OPENAT, HERE, path, CLOSE_ON_EXEC, 0);
	if (file < 0)
		refuse_loader(path, file);
	const uintptr_t page = auxiliary_word(auxiliary, AT_PAGESZ)->a_un.a_val;
	uintptr_t base = 0;
	if (is_loader(&start, call4(READ, file, start.bytes, sizeof start, 0)))
		base = map_loader(file, &start, page);
	if (!base)
		refuse_loader(path, 0);
	call4(CLOSE, file, 0, 0, 0);
	auxiliary_word(auxiliary, AT_BASE)->a_un.a_val = base;
	auxiliary_word(auxiliary, AT_PHDR)->a_un.a_val = (uintptr_t)headers;
	auxiliary_word(auxiliary, AT_PHNUM)->a_un.a_val = (uint64_t)(headers_end - headers);
	return base + start.header.e_entry;
}

#endif
