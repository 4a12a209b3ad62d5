/* Checks and converts one value of a plan: a number, a text, a word of a list. */
#ifndef NSBOX_PLAN_DECODE_VALUE_H
#define NSBOX_PLAN_DECODE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "plan/field.h"
#include "plan/json.h"
#include "plan/json_pointer.h"

struct decoder {
	struct arena *arena;
	struct plan_error *error;
	const char *first_relative; /* path of the host; NULL: all so far are absolute */
};

/* All functions that return bool fill the decoder's error if they return false. PATH is the path of NODE. */

/* Fills the error, and returns false. */
bool decode_refuse(struct decoder *d, const struct json_path *path, const char *message);
bool decode_expect(struct decoder *d, const struct json *node, enum json_kind kind, const struct json_path *path);
/* Memory of the arena, zeroed. NULL if the error is filled. */
void *decode_allocate(struct decoder *d, size_t count, size_t size);
/* The member KEY of an object, or NULL. */
const struct json *decode_member(const struct json *object, const char *key);
/* Finds the number of a text in a list of words. */
bool decode_find_word(const char *words, const char *text, unsigned *out);

bool decode_int(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path, int64_t *out);
bool decode_string(struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path,
	const char **out);
bool decode_base64(struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path,
	const char **out);
bool decode_mode(struct decoder *d, const struct json *node, const struct json_path *path, unsigned *out);
bool decode_word(
	struct decoder *d, const char *words, const struct json *node, const struct json_path *path, unsigned *out);
bool decode_flags(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path, uint64_t *out);

#endif
