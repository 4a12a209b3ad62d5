/* A fault in a document, and where it is. */
#ifndef NSBOX_PLAN_JSON_POINTER_H
#define NSBOX_PLAN_JSON_POINTER_H

#include <stddef.h>

struct plan_error {
	char pointer[512]; /* JSON pointer (RFC 6901), "" for the whole document; a longer one is cut and ends in "..." */
	char message[640]; /* the longest message is a list of words */
};

/* The keys and indexes that lead to a value, innermost first. NULL is the whole document. */
struct json_path {
	const struct json_path *up;
	const char *key; /* NULL: an array's entry */
	size_t length; /* of key */
	size_t index;
};

/* Fills ERROR. */
__attribute__((format(printf, 3, 4))) void plan_error_set(
	struct plan_error *error, const struct json_path *path, const char *format, ...);

#endif
