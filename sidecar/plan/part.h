/*
 * Programs of nsbox itself that a plan calls by a name, so that it names no path of one machine. They stand in our own
 * executable, behind the program and before a plan (src/launch/append-plan.ts), or beside it: nsbox-net beside
 * nsbox-sidecar.
 */
#ifndef NSBOX_PLAN_PART_H
#define NSBOX_PLAN_PART_H

#include <stdbool.h>

#include "plan/contract.h"

/* The value of helper.part where the key is absent. */
#define PART_ABSENT (~0u)

/* The name of a part, by its number in helper_part_words. */
const char *part_name(unsigned part);
/* A sealed copy of the part in memory, for descriptor_execute(). Fails by fail_hint(). */
int part_open(unsigned part);
/* Adds the parts that PLAN needs, and that our executable lacks, to the copy EXECUTABLE of it. Fails by
 * fail_hint().
 */
void part_add_all(int executable, const struct plan *plan);

#endif
