/* Decodes objects and arrays of a plan into C structures, by the tables in contract.h. */
#ifndef NSBOX_PLAN_DECODE_H
#define NSBOX_PLAN_DECODE_H

#include "plan/decode_value.h"

/*
 * Fills OUT, a zeroed structure, from an object. SKIP, or NULL, is a key that was decoded before. False if the
 * decoder's error is filled.
 */
bool decode_object(struct decoder *d, const struct object *table, const struct json *node, const struct json_path *path,
	const char *skip, void *out);

#endif
