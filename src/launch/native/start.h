/*
 * What a start of the program is known by: its words, its caller, and the variables that say where nsbox's own
 * directories are.
 */
#ifndef NSBOX_NATIVE_START_H
#define NSBOX_NATIVE_START_H

#include "text.h"
#include "words.h"

enum {
	/* Limits of what is remembered: bytes of a record, records, option words, and bytes of a path. */
	RECORD_MOST = 64 << 10,
	RECORDS_MOST = 128,
	WORDS_MOST = 128,
	PATH_MOST = 4096,
	/* Bytes that identify the program; src/launch/native/entry.ts puts them there. */
	PROGRAM_ID = 32,
};

__asm__("verbs:\n" VERBS " .byte 0\n"
		"variables:\n" VARIABLES " .byte 0\n"
		"dashes: .asciz \"--\"\n"
		"off: .asciz \"NSBOX_REMEMBER=0\"\n"
		"preload: .asciz \"LD_PRELOAD=\"\n"
		"audit: .asciz \"LD_AUDIT=\"\n"
		"root_cache: .asciz \"/var/cache/nsbox\"\n"
		"in_home: .asciz \"/.cache/nsbox\"\n"
		"in_cache: .asciz \"/nsbox\"\n"
		"starts: .asciz \"starts\"\n");

struct record {
	uint64_t sum, key, looks, head, tail;
};

/* A start of the program, from the kernel's own copy of its words and variables. */
struct start {
	char **words, **variables;
	uint64_t user, group;
	const char *program;
	const char *values[VARIABLES_COUNT];
	char directory[PATH_MOST];
	/* A record: in the making, or, up to its key, as it is looked for. The other one is what was found. */
	char *bytes, *found;
	uint64_t used;
	/* What a later start finds beside a plan: a text to print, or NULL, and whether the plan calls parts. */
	const char *message;
	int with_parts;
};

/* Appends LENGTH bytes to the record. Returns 0 where it gets too long. */
static int append(struct start *start, const void *bytes, uint64_t length)
{
	if (length > RECORD_MOST - start->used)
		return 0;
	for (uint64_t i = 0; i < length; i++)
		start->bytes[start->used + i] = ((const char *)bytes)[i];
	start->used += length;
	return 1;
}

static int append_text(struct start *start, const char *text) { return append(start, text, length_of(text) + 1); }

/*
 * Notes the variables that matter. Returns 0 for a variable that is there twice, and where nothing is remembered: the
 * caller wants it so, or a library may give the runtime other answers than the kernel (fakeroot).
 */
static int note_variables(struct start *start)
{
	for (char **variable = start->variables; *variable; variable++) {
		if (is_same(*variable, ADDRESS_OF("off")) || behind(*variable, ADDRESS_OF("preload")) ||
			behind(*variable, ADDRESS_OF("audit")))
			return 0;
		const char *name = ADDRESS_OF("variables");
		for (int i = 0; i < VARIABLES_COUNT; i++, name += length_of(name) + 1) {
			const char *value = behind(*variable, name);
			if (!value || *value++ != '=')
				continue;
			if (start->values[i])
				return 0;
			start->values[i] = value;
		}
	}
	return 1;
}

/* Notes the user. Returns 0 for a program that acts with more than its caller's rights. */
static int note_user(struct start *start)
{
	enum { USER = 11, EFFECTIVE_USER, GROUP, EFFECTIVE_GROUP, SECURE = 23 };
	uint64_t known[SECURE + 1];
	char **end = start->variables;
	for (int i = 0; i <= SECURE; i++)
		known[i] = 0;
	while (*end)
		end++;
	for (const uint64_t *word = (const uint64_t *)(end + 1); word[0]; word += 2)
		if (word[0] <= SECURE)
			known[word[0]] = word[1];
	start->user = known[USER];
	start->group = known[GROUP];
	return known[USER] == known[EFFECTIVE_USER] && known[GROUP] == known[EFFECTIVE_GROUP] && !known[SECURE];
}

/*
 * Begins the record with all of the key but the words. VARIABLES are those that the kernel gave the program: its words
 * stand before them, with their number and a NULL. Returns 0 where nothing is remembered.
 */
static int start_note(struct start *start, char **variables, const char *program)
{
	start->program = program;
	start->variables = variables;
	start->words = variables - 1;
	for (long count = 0; (long)start->words[-1] != count; count++)
		start->words--;
	for (int i = 0; i < VARIABLES_COUNT; i++)
		start->values[i] = 0;
	if (!note_variables(start) || !note_user(start))
		return 0;
	if (call4(GETCWD, start->directory, sizeof start->directory, 0, 0) < 0 || start->directory[0] != '/')
		return 0;
	start->bytes = new_memory((uint64_t)2 * RECORD_MOST);
	if (!start->bytes)
		return 0;
	start->found = start->bytes + RECORD_MOST;
	start->used = sizeof(struct record);
	if (!append(start, program, PROGRAM_ID) || !append(start, &start->user, sizeof start->user) ||
		!append(start, &start->group, sizeof start->group) || !append_text(start, start->directory))
		return 0;
	/* A variable without a value differs from one that isn't there. */
	for (int i = 0; i < VARIABLES_COUNT; i++) {
		char is_set = start->values[i] ? 1 : 0;
		if (!append(start, &is_set, 1) || (is_set && !append_text(start, start->values[i])))
			return 0;
	}
	return 1;
}

#endif
