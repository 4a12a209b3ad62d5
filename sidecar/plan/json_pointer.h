/* A fault in a document, and the place of that fault. */
#ifndef NSBOX_PLAN_JSON_POINTER_H
#define NSBOX_PLAN_JSON_POINTER_H

#include <stddef.h>

struct plan_error {
	char pointer[512]; /* JSON pointer (RFC 6901), "" for the whole document; a longer one is cut and ends in "..." */
	char message[640]; /* the longest message is a list of words */
};

/* A place in a document: the list of the steps that lead to it, innermost first. NULL is the whole document. */
struct place {
	const struct place *up;
	const char *key; /* NULL: an array's entry */
	size_t length; /* of key */
	size_t index;
};

/* Fills ERROR. */
__attribute__((format(printf, 3, 4))) void plan_error_set(
	struct plan_error *error, const struct place *place, const char *format, ...);

#endif
