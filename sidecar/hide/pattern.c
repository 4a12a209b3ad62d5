#include "hide/pattern.h"

#include <string.h>

#include "base/utf8.h"

/* The character at AT, which has LEFT bytes, at least one; a byte that isn't UTF-8 gets a number of its own. */
static uint32_t take_character(const char *at, size_t left, size_t *length)
{
	enum { OF_BYTES = 0x110000 };
	const unsigned char *p = (const unsigned char *)at;
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	*length = utf8_length(p, left);
	if (*length == 0) {
		*length = 1;
		return OF_BYTES + *p;
	}
	uint32_t character = *p & first_bits[*length];
	for (size_t i = 1; i < *length; i++)
		character = character << 6 | (p[i] & 0x3f);
	return character;
}

/* A character of a pattern; the one behind a backslash, which is there. */
static uint32_t take_escaped(const char *at, size_t left, size_t *length)
{
	if (*at != '\\')
		return take_character(at, left, length);
	uint32_t character = take_character(at + 1, left - 1, length);
	(*length)++;
	return character;
}

/*
 * Reads the range at AT, behind its bracket. Returns the bytes to the one behind the closing bracket, or 0 without one.
 * MATCHES becomes whether it holds CHARACTER.
 */
static size_t read_range(const char *at, size_t left, uint32_t character, bool *matches)
{
	size_t done = 0, length;
	bool negated = left > 0 && (*at == '!' || *at == '^'), found = false;
	done += negated;
	/* A closing bracket that comes first is one of the characters. */
	for (size_t first = done; done < left && (at[done] != ']' || done == first);) {
		if (at[done] == '\\' && done + 1 >= left)
			return 0;
		uint32_t from = take_escaped(at + done, left - done, &length), to = from;
		done += length;
		if (left - done >= 2 && at[done] == '-' && at[done + 1] != ']') {
			if (at[done + 1] == '\\' && left - done < 3)
				return 0;
			to = take_escaped(at + done + 1, left - done - 1, &length);
			done += 1 + length;
		}
		found = found || (from <= character && character <= to);
	}
	*matches = found != negated;
	return done < left ? done + 1 : 0;
}

const char *pattern_read(struct pattern_name *name, const char *text, size_t length, char *store)
{
	bool wild = false, ignored;
	size_t kept = 0;
	if (length == 2 && memcmp(text, "**", 2) == 0) {
		*name = (struct pattern_name){.kind = PATTERN_ANY_DEPTH};
		return NULL;
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\\' && i + 1 == length)
			return "a backslash stands at the end";
		wild |= text[i] == '*' || text[i] == '?' || text[i] == '[';
		if (text[i] == '[') {
			size_t range = read_range(text + i + 1, length - i - 1, 0, &ignored);
			if (!range)
				return "a bracket isn't closed";
			i += range;
		}
		i += text[i] == '\\';
	}
	for (size_t i = 0; i < length; i++) {
		i += !wild && text[i] == '\\';
		store[kept++] = text[i];
	}
	*name = (struct pattern_name){wild ? PATTERN_WILD : PATTERN_TEXT, store, kept};
	return NULL;
}

/* Whether the part of a pattern at AT stands for CHARACTER. LENGTH becomes the part's bytes. */
static bool part_matches(const char *at, size_t left, uint32_t character, size_t *length)
{
	bool matches = false;
	if (*at == '?') {
		*length = 1;
		return true;
	}
	if (*at != '[')
		return take_escaped(at, left, length) == character;
	*length = 1 + read_range(at + 1, left - 1, character, &matches);
	return matches;
}

/* Goes back to the last star only: what an earlier one took can stay as it is. */
static bool wild_matches(const char *pattern, size_t pattern_length, const char *text, size_t length)
{
	size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0, part, character_length;
	while (t < length) {
		uint32_t character = take_character(text + t, length - t, &character_length);
		if (p < pattern_length && pattern[p] == '*') {
			star = ++p;
			star_text = t;
			continue;
		}
		if (p < pattern_length && part_matches(pattern + p, pattern_length - p, character, &part)) {
			p += part;
			t += character_length;
			continue;
		}
		if (star == SIZE_MAX)
			return false;
		p = star;
		(void)take_character(text + star_text, length - star_text, &character_length);
		t = star_text += character_length;
	}
	while (p < pattern_length && pattern[p] == '*')
		p++;
	return p == pattern_length;
}

bool pattern_matches(const struct pattern_name *name, const char *text, size_t length)
{
	if (name->kind == PATTERN_TEXT)
		return length == name->length && memcmp(text, name->text, length) == 0;
	return wild_matches(name->text, name->length, text, length);
}

static bool is_plain(char c) { return c != '*' && c != '?' && c != '[' && c != '\\'; }

bool pattern_may_begin(const struct pattern_name *name, unsigned char byte)
{
	if (!name->length)
		return false;
	char first = name->text[0];
	return (name->kind == PATTERN_WILD && !is_plain(first)) || (unsigned char)first == byte;
}

bool pattern_may_end(const struct pattern_name *name, unsigned char byte)
{
	size_t length = name->length;
	if (name->kind == PATTERN_TEXT)
		return length && (unsigned char)name->text[length - 1] == byte;
	char last = name->text[length - 1];
	/* A character behind a backslash is the same without it, but then it may be one with a meaning. */
	bool escaped = length > 1 && name->text[length - 2] == '\\';
	return (!is_plain(last) || last == ']' || escaped) || (unsigned char)last == byte;
}
