#include "unpack/iso.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ECMA-119 gives the layout; RRIP 1.12 and SUSP 1.12 that of Rock Ridge. Numbers are read in their little-endian half.
 */
enum {
	SECTOR = 2048,
	FIRST_DESCRIPTOR = 16,
	MAX_DESCRIPTORS = 64,
	PRIMARY = 1,
	SUPPLEMENTARY = 2,
	END_OF_DESCRIPTORS = 255,
	ROOT_RECORD = 156,
	/* In a directory record. */
	RECORD_LOCATION = 2,
	RECORD_SIZE = 10,
	RECORD_FLAGS = 25,
	RECORD_NAME_LENGTH = 32,
	RECORD_NAME = 33,
	IS_DIRECTORY = 2,
	HAS_MORE_EXTENTS = 128,
	/* Bounds of a walk: a live system has fewer than 100 files in its directories. */
	MAX_DEPTH = 8,
	MAX_RECORDS = 100000,
	MAX_DIRECTORY = 4 << 20,
	MAX_CONTINUATIONS = 16,
	MAX_NAME = 255,
	MAX_PATH = 1024,
};

static const char *const roots[] = {"casper", "live", "liveos", "arch"};

struct walk {
	const struct iso_source *source;
	const struct iso_visitor *visitor;
	bool joliet, rock_ridge;
	size_t skip; /* bytes before the first field of a system use area: SUSP, SP */
	unsigned records;
	char path[MAX_PATH];
};

struct record {
	uint64_t offset, size;
	unsigned flags;
	char name[MAX_NAME + 1];
};

static uint32_t number32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool read_sector(const struct walk *w, unsigned char bytes[SECTOR], uint64_t offset)
{
	return offset <= w->source->size && w->source->size - offset >= SECTOR &&
		   w->source->read(w->source->image, bytes, SECTOR, offset) == 0;
}

/* Adds the name that NM fields of the system use area have; follows CE to other areas. */
static void read_rock_ridge(const struct walk *w, const unsigned char *area, size_t length, char name[MAX_NAME + 1])
{
	unsigned char other[SECTOR];
	size_t used = 0;
	for (int continuation = 0; continuation < MAX_CONTINUATIONS; continuation++) {
		uint64_t next = 0;
		size_t next_start = 0, next_length = 0;
		for (size_t at = 0; at + 4 <= length && area[at + 2] >= 4 && area[at + 2] <= length - at; at += area[at + 2]) {
			const unsigned char *field = area + at;
			size_t size = field[2];
			if (memcmp(field, "NM", 2) == 0 && size > 5 && !(field[4] & 6)) {
				size_t more = size - 5;
				if (more > MAX_NAME - used)
					more = MAX_NAME - used;
				memcpy(name + used, field + 5, more);
				used += more;
				name[used] = '\0';
			} else if (memcmp(field, "CE", 2) == 0 && size >= 28) {
				next = (uint64_t)number32(field + 4) * SECTOR;
				next_start = number32(field + 12);
				next_length = number32(field + 20);
			} else if (memcmp(field, "ST", 2) == 0) {
				break;
			}
		}
		if (next == 0 || next_start >= SECTOR || next_length > SECTOR - next_start || !read_sector(w, other, next))
			return;
		area = other + next_start;
		length = next_length;
	}
}

/* Joliet has names in UCS-2, big-endian. */
static void read_joliet(const unsigned char *text, size_t length, char name[MAX_NAME + 1])
{
	size_t used = 0;
	for (size_t at = 0; at + 2 <= length && used + 3 <= MAX_NAME; at += 2) {
		unsigned c = (unsigned)text[at] << 8 | text[at + 1];
		if (c < 0x80) {
			name[used++] = (char)c;
		} else if (c < 0x800) {
			name[used++] = (char)(0xc0 | c >> 6);
			name[used++] = (char)(0x80 | (c & 0x3f));
		} else {
			name[used++] = (char)(0xe0 | c >> 12);
			name[used++] = (char)(0x80 | (c >> 6 & 0x3f));
			name[used++] = (char)(0x80 | (c & 0x3f));
		}
	}
	name[used] = '\0';
}

static void read_plain(const unsigned char *text, size_t length, char name[MAX_NAME + 1])
{
	for (size_t i = 0; i < length; i++)
		name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	name[length] = '\0';
}

/* A version, ";1", is part of the name, and so is the dot of a name without an ending. */
static void cut_version(char *name)
{
	char *semicolon = strrchr(name, ';');
	if (semicolon)
		*semicolon = '\0';
	size_t length = strlen(name);
	if (length > 1 && name[length - 1] == '.')
		name[length - 1] = '\0';
}

/* Reads the record P of LENGTH bytes. False for "." and "..", and for what isn't a record. */
static bool read_record(const struct walk *w, const unsigned char *p, size_t length, struct record *record)
{
	size_t name_length = length > RECORD_NAME ? p[RECORD_NAME_LENGTH] : 0;
	if (name_length == 0 || name_length > length - RECORD_NAME || (name_length == 1 && p[RECORD_NAME] <= 1))
		return false;
	record->offset = (uint64_t)number32(p + RECORD_LOCATION) * SECTOR;
	record->size = number32(p + RECORD_SIZE);
	record->flags = p[RECORD_FLAGS];
	if (w->joliet)
		read_joliet(p + RECORD_NAME, name_length, record->name);
	else
		read_plain(p + RECORD_NAME, name_length, record->name);
	cut_version(record->name);
	/* A byte pads the name to an even length. */
	size_t area = RECORD_NAME + name_length + !(name_length & 1) + w->skip;
	if (w->rock_ridge && area < length)
		read_rock_ridge(w, p + area, length - area, record->name);
	return *record->name && !strchr(record->name, '/') && strcmp(record->name, ".") != 0 &&
		   strcmp(record->name, "..") != 0;
}

static bool is_root(const char *name)
{
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		if (strcasecmp(name, roots[i]) == 0)
			return true;
	return false;
}

static const char *walk_directory(struct walk *w, uint64_t offset, uint64_t size, int depth);

/* A file of 4 GiB and more has several records with the same name. */
static const char *visit_record(struct walk *w, const struct record *record, int depth)
{
	size_t length = strlen(w->path);
	const char *wrong = NULL;
	bool directory = record->flags & IS_DIRECTORY;
	if (depth == 0 && (!directory || !is_root(record->name)))
		return NULL;
	if ((size_t)snprintf(w->path + length, MAX_PATH - length, "%s%s", length ? "/" : "", record->name) >=
		MAX_PATH - length)
		return "a path in the ISO image is too long";
	if (directory)
		wrong = walk_directory(w, record->offset, record->size, depth + 1);
	else if (record->offset > w->source->size || record->size > w->source->size - record->offset)
		wrong = "the ISO image ends too early: a file lies behind its end";
	else
		w->visitor->file(w->path, record->offset, record->size);
	w->path[length] = '\0';
	return wrong;
}

/* Adds PART to FILE, an extent of the same file. */
static bool add_extent(struct record *file, const struct record *part)
{
	if (file->offset + file->size != part->offset)
		return false;
	file->size += part->size;
	file->flags = part->flags;
	return true;
}

static const char *walk_directory(struct walk *w, uint64_t offset, uint64_t size, int depth)
{
	unsigned char sector[SECTOR];
	struct record record, file = {.size = 0};
	bool open = false; /* FILE waits for more extents */
	if (depth > MAX_DEPTH || size > MAX_DIRECTORY)
		return "directories of the ISO image are too deep or too large";
	for (uint64_t at = 0; at < size; at += SECTOR) {
		if (!read_sector(w, sector, offset + at))
			return "the ISO image ends too early: a directory lies behind its end";
		/* A record doesn't reach into the next sector; a length of 0 ends the sector. */
		for (size_t i = 0; i < SECTOR && sector[i] > 0 && sector[i] <= SECTOR - i; i += sector[i]) {
			if (++w->records > MAX_RECORDS)
				return "the ISO image has too many files";
			if (!read_record(w, sector + i, sector[i], &record))
				continue;
			if (open && !add_extent(&file, &record))
				return "the ISO image has a file in several pieces";
			if (!open)
				file = record;
			open = file.flags & HAS_MORE_EXTENTS;
			const char *wrong = open ? NULL : visit_record(w, &file, depth);
			if (wrong)
				return wrong;
		}
	}
	return NULL;
}

/* The first record of the root is its own; SP in its system use area says that Rock Ridge is there. */
static void find_rock_ridge(struct walk *w, uint64_t root)
{
	unsigned char sector[SECTOR];
	if (!read_sector(w, sector, root) || sector[0] < RECORD_NAME + 1 + 7)
		return;
	const unsigned char *area = sector + RECORD_NAME + 1;
	w->rock_ridge = memcmp(area, "SP", 2) == 0 && area[4] == 0xbe && area[5] == 0xef;
	w->skip = w->rock_ridge ? area[6] : 0;
}

static bool is_joliet(const unsigned char descriptor[SECTOR])
{
	const unsigned char *escape = descriptor + 88;
	return escape[0] == '%' && escape[1] == '/' && (escape[2] == '@' || escape[2] == 'C' || escape[2] == 'E');
}

const char *iso_walk(const struct iso_source *source, const struct iso_visitor *visitor)
{
	struct walk w = {.source = source, .visitor = visitor};
	unsigned char descriptor[SECTOR];
	char volume[33] = "";
	uint64_t root = 0, size = 0, joliet_root = 0, joliet_size = 0;
	for (unsigned i = 0; i < MAX_DESCRIPTORS; i++) {
		if (!read_sector(&w, descriptor, (uint64_t)(FIRST_DESCRIPTOR + i) * SECTOR) ||
			memcmp(descriptor + 1, "CD001", 5) != 0 || descriptor[0] == END_OF_DESCRIPTORS)
			break;
		const unsigned char *record = descriptor + ROOT_RECORD;
		if (descriptor[0] == PRIMARY && root == 0) {
			memcpy(volume, descriptor + 40, 32);
			root = (uint64_t)number32(record + RECORD_LOCATION) * SECTOR;
			size = number32(record + RECORD_SIZE);
			if ((descriptor[128] | descriptor[129] << 8) != SECTOR)
				return "the ISO image has blocks of another size than 2048 bytes";
		} else if (descriptor[0] == SUPPLEMENTARY && is_joliet(descriptor)) {
			joliet_root = (uint64_t)number32(record + RECORD_LOCATION) * SECTOR;
			joliet_size = number32(record + RECORD_SIZE);
		}
	}
	if (root == 0)
		return "is not an ISO 9660 image";
	for (size_t end = strlen(volume); end > 0 && volume[end - 1] == ' '; end--)
		volume[end - 1] = '\0';
	visitor->volume(volume);
	find_rock_ridge(&w, root);
	w.joliet = !w.rock_ridge && joliet_root != 0;
	return w.joliet ? walk_directory(&w, joliet_root, joliet_size, 0) : walk_directory(&w, root, size, 0);
}
