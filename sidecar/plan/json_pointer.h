/* Where in a document something is, and what is wrong there. */
#ifndef NSBOX_PLAN_JSON_POINTER_H
#define NSBOX_PLAN_JSON_POINTER_H

#include <stddef.h>

struct plan_error {
	char pointer[512]; /* JSON pointer (RFC 6901), "" for the whole; cut, with "..." at its end, where it is longer */
	char message[640]; /* a list of words is the longest */
};

/* A place as the list of the steps that lead to it, innermost first; NULL is the whole document. */
struct place {
	const struct place *up;
	const char *key; /* NULL: an array's entry */
	size_t length;   /* of key */
	size_t index;
};

/* Fills the error. */
__attribute__((format(printf, 3, 4)))
void plan_error_set(struct plan_error *error, const struct place *place, const char *format, ...);

#endif
