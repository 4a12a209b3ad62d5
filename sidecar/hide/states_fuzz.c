/*
 * Lets arbitrary patterns decide about arbitrary paths, and compares with a slow matcher that tries everything. The
 * input: patterns, one a line, an empty line, and paths, one a line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIECES = 1 << 16, MAX_PATTERNS = 24, MAX_INPUT = 4096, MAX_NAMES = 12, MAX_NAME = 24 };

/* All memory of states.c, which keeps it as long as the program runs. */
static void *pieces[MAX_PIECES];
static size_t pieces_count;

static void *kept_calloc(size_t count, size_t size)
{
	if (pieces_count == MAX_PIECES)
		return NULL;
	return pieces[pieces_count++] = calloc(count, size);
}

static void free_pieces(void)
{
	while (pieces_count)
		free(pieces[--pieces_count]);
}

#define calloc kept_calloc
#define free(piece) ((void)(piece))
#include "base/utf8.c"
#include "hide/pattern.c"
#include "hide/states.c"
#undef calloc
#undef free

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether the part of a pattern from P on stands for the text from T on: each star takes nothing, or one more. */
static bool tries_wild(const char *p, size_t left, const char *t, size_t length)
{
	size_t part, taken;
	if (!left)
		return !length;
	if (*p == '*') {
		if (tries_wild(p + 1, left - 1, t, length))
			return true;
		if (!length)
			return false;
		(void)take_character(t, length, &taken);
		return tries_wild(p, left, t + taken, length - taken);
	}
	if (!length)
		return false;
	uint32_t character = take_character(t, length, &taken);
	return part_matches(p, left, character, &part) && tries_wild(p + part, left - part, t + taken, length - taken);
}

/* Whether the names of a pattern from PATTERN on stand for all of PATH, whose names have slashes between them. */
static bool tries_names(const char *pattern, const char *path)
{
	pattern += strspn(pattern, "/");
	path += strspn(path, "/");
	size_t name = strcspn(pattern, "/"), text = strcspn(path, "/");
	if (!name)
		return !text;
	if (name == 2 && memcmp(pattern, "**", 2) == 0) {
		const char *rest = pattern + 2 + strspn(pattern + 2, "/");
		/* At the end it stands for a name at least. */
		if (*rest && tries_names(rest, path))
			return true;
		if (!text)
			return false;
		const char *below = path + text + strspn(path + text, "/");
		return (!*rest && !*below) || tries_names(pattern, below);
	}
	return text && tries_wild(pattern, name, path, text) && tries_names(pattern + name, path + text);
}

static bool tries_path(char *patterns[], size_t count, char *path)
{
	for (size_t end = 1, length = strlen(path); end <= length; end++) {
		if (end < length && path[end] != '/')
			continue;
		char kept = path[end];
		path[end] = '\0';
		bool hidden = false, shown = false;
		for (size_t i = 0; i < count; i++)
			if (tries_names(patterns[i] + (*patterns[i] == '!'), path))
				*(*patterns[i] == '!' ? &shown : &hidden) = true;
		path[end] = kept;
		if (hidden && !shown && path[strspn(path, "/")])
			return true;
	}
	return false;
}

/* Whether the slow matcher ends in time for that path or pattern. */
static bool is_small(const char *path)
{
	size_t names = 0, stars = 0;
	for (const char *at = path; *at; at++) {
		stars += *at == '*';
		if (*at == '/' && (++names > MAX_NAMES || strcspn(at + 1, "/") > MAX_NAME))
			return false;
	}
	return stars <= MAX_NAMES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[MAX_INPUT + 1], *patterns[MAX_PATTERNS], *line = text, *next;
	size_t count = 0;
	bool behind = false;
	if (size > MAX_INPUT || memchr(data, '\0', size))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!*line)
			behind = true;
		else if (!behind && count < MAX_PATTERNS) {
			size_t before = parts_count;
			if (is_small(line) && !states_add(line))
				patterns[count++] = line;
			else
				parts_count = before;
		} else if (behind && *line == '/' && is_small(line)) {
			bool hides = states_hide(line);
			if (!states_overflow() && hides != tries_path(patterns, count, line))
				abort();
		}
	}
	free_pieces();
	free(parts);
	parts = NULL;
	parts_count = parts_room = states_count = 0;
	all_states = NULL;
	overflow = false;
	return 0;
}
