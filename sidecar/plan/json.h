/*
 * A strict reader of JSON (RFC 8259). It refuses what readers disagree about: duplicate keys, invalid UTF-8, a byte
 * order mark, lone surrogates, NUL. It has one extension: a lone \udc80 to \udcff stands for the byte 0x80 to 0xff, so
 * that file names that aren't UTF-8 can travel.
 *
 * src/plan/json.ts is its twin: it gives the same verdicts and the same messages.
 */
#ifndef NSBOX_PLAN_JSON_H
#define NSBOX_PLAN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "plan/json_pointer.h"

#define JSON_MAX_DEPTH 32
#define JSON_MAX_KEYS 256 /* in one object; bounds the search for duplicates */
#define JSON_MAX_INTEGER 9007199254740991LL /* what a double tells apart from its neighbours */

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER,
	JSON_FRACTION, /* any other number: its value is not kept */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_kind kind;
	uint32_t key_length;
	const char *key; /* of an object's member, ends in NUL */
	const struct json *next; /* sibling */
	union {
		bool boolean;
		int64_t integer;
		const char *text; /* ends in NUL, holds none */
		const struct json *first; /* entry or member */
	};
	uint32_t length; /* bytes of the text, or number of entries or members */
};

bool json_parse(
	const char *text, size_t length, struct arena *arena, const struct json **out, struct plan_error *error);

#endif
