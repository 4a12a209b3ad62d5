/*
 * One name of a path, or of a pattern for paths. In a pattern's name `*` stands for any text, `?` for one character,
 * `[a-z]` for one of a range, `[!a-z]` or `[^a-z]` for any other, and `\` takes the meaning of the character behind it.
 * Characters are those of UTF-8; a byte that belongs to none is a character of its own.
 */
#ifndef NSBOX_HIDE_PATTERN_H
#define NSBOX_HIDE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any number of directories: `**`. Only as a whole name. */
enum pattern_kind { PATTERN_TEXT, PATTERN_WILD, PATTERN_ANY_DEPTH };

struct pattern_name {
	enum pattern_kind kind;
	const char *text; /* of TEXT without backslashes; of WILD as it was given */
	size_t length;
};

/*
 * Reads the name TEXT of LENGTH bytes, which has no slash, into NAME. STORE has room for LENGTH bytes, and stays in
 * use. NULL, or what is wrong.
 */
const char *pattern_read(struct pattern_name *name, const char *text, size_t length, char *store);
/* Whether NAME, of any kind but ANY_DEPTH, stands for the TEXT of LENGTH bytes, at least one. */
bool pattern_matches(const struct pattern_name *name, const char *text, size_t length);
/* Whether a text that NAME stands for may begin, or end, with BYTE. False is certain. */
bool pattern_may_begin(const struct pattern_name *name, unsigned char byte);
bool pattern_may_end(const struct pattern_name *name, unsigned char byte);

#endif
