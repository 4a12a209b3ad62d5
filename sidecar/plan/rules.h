/* Checks what the contract's table can't say: its number, and keys that need or exclude each other. */
#ifndef NSBOX_PLAN_RULES_H
#define NSBOX_PLAN_RULES_H

#include <stdbool.h>

#include "plan/contract.h"
#include "plan/decode_value.h"

/* Comes first, since a plan of another contract may have any keys. False if the decoder's error is filled. */
bool rules_check_contract(struct decoder *d, const struct json *node);
/* Comes last. False if the decoder's error is filled. */
bool rules_check(struct decoder *d, const struct plan *plan);

#endif
