/*
 * Decodes the text of a plan into its structures. It is strict: a key that the contract table doesn't have is an error,
 * which names its path. The checks come in the order of src/plan/validate.ts, so that both halves give the same
 * answer.
 */
#ifndef NSBOX_PLAN_PLAN_H
#define NSBOX_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "plan/contract.h"
#include "plan/json_pointer.h"

/* The plan lives in the arena; the text may be freed afterwards. False if ERROR is filled. */
bool plan_decode(
	const char *text, size_t length, struct arena *arena, const struct plan **out, struct plan_error *error);

/* The first relative path of the host in the decoded plan; NULL if all are absolute. */
const char *plan_first_relative(void);

/* The directory of the host that the root shows, itself or by an overlay; NULL where that isn't one directory. */
const char *plan_root_directory(const struct root *root);
/* Whether that is the host's own root. */
bool plan_shows_host(const struct root *root);

#endif
