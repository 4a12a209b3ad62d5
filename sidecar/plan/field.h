/*
 * The types of the tables in contract.h. Each key of an object has its kind, the offset of its value in the C
 * structure, and the values that are allowed.
 */
#ifndef NSBOX_PLAN_FIELD_H
#define NSBOX_PLAN_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A list of words is one string: each word ends in NUL, and the list in a second one: "a\0b\0". An array of pointers
 * takes four times the space, since each address in a position-independent executable is relocated at every start.
 */
static inline const char *next_word(const char *word) { return word + strlen(word) + 1; }

/* Word N of a list, or NULL. */
static inline const char *word_at(const char *words, unsigned n)
{
	for (; n && *words; n--)
		words = next_word(words);
	return *words ? words : NULL;
}

enum { KEY_MAX = 20 };

enum kind {
	KIND_BOOL, /* bool */
	KIND_INT, /* int64_t, min to max */
	KIND_STRING, /* const char *, NULL when absent; min, max: length in bytes, max 0 is no limit */
	KIND_BASE64, /* const char *, checked; min: bytes of an entry, max: bytes in all */
	KIND_MODE, /* unsigned, from three or four octal digits */
	KIND_ENUM, /* unsigned, number of the word */
	KIND_FLAGS, /* uint64_t, bit n is word n */
	KIND_STRINGS, /* char ** ending in NULL, and NAME_count */
	KIND_IDS, /* uint32_t *, and NAME_count; user or group ids */
	KIND_OBJECT, /* pointer, NULL when absent */
	KIND_OBJECTS, /* array, and NAME_count */
	KIND_VARIANT, /* pointer, NULL when absent */
	KIND_VARIANTS, /* array, and NAME_count */
};

/*
 * No table holds an address, which would be relocated at every start and take a page of memory of its own. OF is, by
 * the kind, where the words start in contract_words, or a number in contract_objects or contract_variants.
 */
struct field {
	char key[KEY_MAX];
	unsigned kind : 4; /* enum kind */
	unsigned offset : 12;
	unsigned of : 12;
	bool required : 1;
	bool path : 1; /* the value must start with a slash */
	bool host : 1; /* "./" is allowed too: relative to the program that holds the plan */
	bool assignment : 1; /* the value must be NAME=VALUE, with a NAME that isn't empty */
	int32_t min, absent; /* absent: the value if the key is missing */
	int64_t max;
};

struct object {
	uint16_t first, count; /* its fields in contract_fields */
	uint32_t size; /* of the C structure */
};

/* Objects that differ by their "type" key. */
struct variants {
	uint16_t types; /* words */
	uint16_t first; /* the object of the first type; the others follow */
	uint16_t size; /* of the C structure that serves all of them */
	uint16_t type_offset; /* of its member "type" */
};

#endif
