/* Finds the plan in our own executable, and keeps it for nsbox enter. */
#ifndef NSBOX_PLAN_PLAN_SOURCE_H
#define NSBOX_PLAN_PLAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The plan at the end of our own executable, or NULL. The end is the plan, its length in 8 bytes (little endian),
 * "NSBOXPLN".
 */
char *plan_source_trailer(size_t *length);
/*
 * The same where it is a segment of the executable (src/launch/append-plan.ts), and so in memory already. Spoils the
 * name of the process.
 */
const char *plan_source_segment(size_t *length);
/* Keeps a plan that doesn't come from an executable for nsbox enter: in a memory file that the supervisor has open. */
void plan_source_keep(const char *text, size_t length);
/* Whether our executable is a sealed memory file, which no process can change. */
bool plan_source_is_sealed(void);
/*
 * Go on as a copy of this program in memory that nobody can change (CVE-2019-5736), and that has no plan in it, which
 * comes by a descriptor: what can look at a process of ours in the box finds neither. Comes back, with errno, where
 * this system executes no file in memory.
 */
void plan_source_become_sealed(const char *text, size_t length, bool old_mount_api, char *const *extra);

#endif
