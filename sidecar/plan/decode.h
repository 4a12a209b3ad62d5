/* Decodes objects and arrays of a plan into C structures, by the tables in contract.h. */
#ifndef NSBOX_PLAN_DECODE_H
#define NSBOX_PLAN_DECODE_H

#include "plan/contract.h"
#include "plan/decode_value.h"

/* Fills OUT, zeroed. False if the decoder's error is filled. */
bool decode_plan(struct decoder *d, const struct json *node, struct plan *out);

#endif
