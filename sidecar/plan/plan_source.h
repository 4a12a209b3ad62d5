/* Where a plan comes from. */
#ifndef NSBOX_SOURCE_H
#define NSBOX_SOURCE_H

#include <stddef.h>

/* The plan at the end of our own executable, or NULL: the plan, its length in 8 bytes (little endian), "NSBOXPLN". */
char *plan_source_trailer(size_t *length);
/* The same where it is a segment of the executable (src/launch/append-plan.ts), and so in memory already. Spoils the name of the process. */
const char *plan_source_segment(size_t *length);
/* For nsbox enter: a plan that stands in no executable, in a file in memory that the supervisor has open. */
void plan_source_keep(const char *text, size_t length);
/*
 * Go on as a copy of this program in memory that nobody can change, with the plan at its end. For a box that stays: the process
 * that holds its place can be looked at by what enters the box, and through /proc/PID/exe our file could be written to later
 * (CVE-2019-5736). Fails by fail(); does not come back.
 */
_Noreturn void plan_source_become_sealed(const char *text, size_t length);

#endif
