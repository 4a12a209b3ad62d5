/*
 * Looks at the host, repeated at a later start: each has to have the answer that src/host/recorded.ts noted.
 *
 *     d o e n PATH    `look` found a directory, something else, an error, nothing; an upper-case letter follows a link
 *     k KIND PATH     what PATH is by itself: d, f for a regular file, l for a link, o, and - where nothing is found
 *     l PATH, TEXT    the link PATH leads to TEXT
 *     p PATH, REAL    PATH without links is REAL
 *     q PATH          PATH leads to nothing
 *     i PATH, NAMES   the directories in PATH, with a slash between two
 *     r PATH, SUM     the SHA-256 sum of a regular file: a record has no copy of what may be secret
 *     c PATH          the caller's directory
 *     v w VERSION     the kernel is that version or a newer one; an older one
 *     y z             standard input is a terminal; isn't
 *     m TEXT          no look: a text to print when the box starts
 *     b               no look: the plan calls programs of nsbox
 */
#ifndef NSBOX_NATIVE_LOOKS_H
#define NSBOX_NATIVE_LOOKS_H

#include "kernel.h"
#include "records.h"
#include "sha256.h"

/* Bytes of a file that are compared; src/host/recorded.ts has the same limit. */
enum { CONTENT_MOST = 1 << 20 };

/* The kind of file at PATH, as `look` of src/host/bun.ts finds it: directory, other, not there, error. */
static char kind_at(const char *path, int follow)
{
	enum { NOT_THERE = -2, NO_FOLLOW = 0x100 };
	char inside[PATH_MOST + 2];
	struct file file;
	uint64_t length = length_of(path);
	if (length >= PATH_MOST)
		return 'e';
	for (uint64_t i = 0; i < length; i++)
		inside[i] = path[i];
	inside[length] = '/', inside[length + 1] = '.', inside[length + 2] = 0;
	if (look_at(HERE, inside, 0, &file) == 0)
		return 'd';
	if (look_at(HERE, path, 0, &file) == 0)
		return 'o';
	long failed = look_at(HERE, path, follow ? 0 : NO_FOLLOW, &file);
	if (failed != 0)
		return failed == NOT_THERE ? 'n' : 'e';
	return (file.mode & TYPE) == DIRECTORY ? 'd' : 'o';
}

/* Whether PATH is a regular file whose content has this SHA-256 sum. */
static int has_content(const char *path, const char *sum)
{
	char part[PATH_MOST], digits[SHA256_DIGITS + 1];
	struct sha256 content;
	struct file file;
	long got = -1, descriptor = call4(OPENAT, HERE, path, WITHOUT_WAITING | CLOSE_ON_EXEC, 0);
	if (descriptor < 0)
		return 0;
	sha256_begin(&content);
	if (look_at(descriptor, ADDRESS_OF("starts + 6"), 0x1000, &file) == 0 && (file.mode & TYPE) == REGULAR)
		while (content.length <= CONTENT_MOST && (got = call4(READ, descriptor, part, sizeof part, 0)) > 0)
			sha256_add(&content, part, (uint64_t)got);
	call4(CLOSE, descriptor, 0, 0, 0);
	if (got != 0)
		return 0;
	sha256_end(&content, digits);
	return is_same(digits, sum);
}

/* The kind of file that PATH is by itself, as `kind` of src/host/bun.ts finds it. */
static char own_kind_at(const char *path)
{
	enum { NO_FOLLOW = 0x100, LINK = 0120000 };
	struct file file;
	if (look_at(HERE, path, NO_FOLLOW, &file) != 0)
		return '-';
	switch (file.mode & TYPE) {
	case DIRECTORY: return 'd';
	case REGULAR: return 'f';
	case LINK: return 'l';
	default: return 'o';
	}
}

/* Whether PATH is a link whose text is TEXT. */
static int leads_to(const char *path, const char *text)
{
	char found[PATH_MOST];
	long length = call4(READLINKAT, HERE, path, found, sizeof found);
	return length >= 0 && (uint64_t)length == length_of(text) && are_same_bytes(found, text, (uint64_t)length);
}

/* Whether PATH without links is REAL: the kernel's name of what is opened there. */
static int is_real_path(const char *path, const char *real)
{
	enum { ONLY_PATH = 0x200000 };
	char name[DESCRIPTOR_NAME];
	long descriptor = call4(OPENAT, HERE, path, ONLY_PATH | CLOSE_ON_EXEC, 0);
	if (descriptor < 0)
		return 0;
	name_descriptor(name, descriptor);
	int is_real = leads_to(name, real);
	call4(CLOSE, descriptor, 0, 0, 0);
	return is_real;
}

/* Whether NAME is one of NAMES, which have a slash between two. */
static int is_among(const char *names, const char *name)
{
	while (*names) {
		const char *rest = behind(names, name);
		if (rest && (!*rest || *rest == '/'))
			return 1;
		while (*names && *names++ != '/')
			continue;
	}
	return 0;
}

/* The number of directories in the open directory, all of which have to be among NAMES; -1 where one isn't. */
static long count_directories(long descriptor, const char *names)
{
	enum { TYPE_AT = 18, NAME = 19, LENGTH = 16, OF_DIRECTORY = 4, NOT_SAID = 0 };
	char entries[16 << 10];
	long count = 0, got;
	while ((got = call4(GETDENTS, descriptor, entries, sizeof entries, 0)) > 0)
		for (long at = 0; at < got; at += *(uint16_t *)(entries + at + LENGTH)) {
			const char *name = entries + at + NAME;
			if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
				continue;
			if (entries[at + TYPE_AT] == NOT_SAID)
				return -1;
			if (entries[at + TYPE_AT] != OF_DIRECTORY)
				continue;
			if (!is_among(names, name))
				return -1;
			count++;
		}
	return got < 0 ? -1 : count;
}

/* Whether NAMES are the directories in PATH, of which there are none where it can't be read. */
static int has_directories(const char *path, const char *names)
{
	long wanted = *names ? 1 : 0;
	for (const char *at = names; *at; at++)
		wanted += *at == '/';
	long descriptor = call4(OPENAT, HERE, path, DIRECTORY_ONLY | WITHOUT_WAITING | CLOSE_ON_EXEC, 0);
	if (descriptor < 0)
		return wanted == 0;
	long found = count_directories(descriptor, names);
	call4(CLOSE, descriptor, 0, 0, 0);
	return found == wanted;
}

static int has_terminal(void)
{
	enum { GET_SETTINGS = 0x5401, SETTINGS = 64 };
	char settings[SETTINGS];
	return call4(IOCTL, 0, GET_SETTINGS, settings, 0) == 0;
}

static int look_holds(struct start *start, char kind, const char *path, const char *answer)
{
	/* An upper-case letter follows a link at the path's end. */
	const char wanted = (char)(kind | 0x20);
	struct file file;
	char found;
	switch (kind) {
	case 'm': start->message = path; return 1;
	case 'b': start->with_parts = 1; return 1;
	case 'c': return is_same(path, start->directory);
	case 'k': return path[0] && own_kind_at(path + 1) == path[0];
	case 'l': return leads_to(path, answer);
	case 'p': return is_real_path(path, answer);
	case 'q': return look_at(HERE, path, 0, &file) != 0;
	case 'i': return has_directories(path, answer);
	case 'r': return has_content(path, answer);
	case 'v': return is_kernel(path);
	case 'w': return !is_kernel(path);
	case 'y': return has_terminal();
	case 'z': return !has_terminal();
	default: found = kind_at(path, kind != wanted); return found == wanted || (wanted == 'e' && found == 'n');
	}
}

/* Whether every look still has its answer. Notes what the record says of the start beside them. */
static int looks_hold(struct start *start, const char *look, const char *end)
{
	start->message = 0;
	start->with_parts = 0;
	while (look < end) {
		const char kind = look[0], *path = look + 1, *answer = 0;
		look += length_of(look) + 1;
		if (kind == 'l' || kind == 'p' || kind == 'i' || kind == 'r') {
			answer = look;
			if (answer >= end)
				return 0;
			look += length_of(look) + 1;
		}
		if (!kind || !look_holds(start, kind, path, answer))
			return 0;
	}
	return 1;
}

#endif
