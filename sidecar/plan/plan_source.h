/* Finds the plan in our own executable, and keeps it for nsbox enter. */
#ifndef NSBOX_PLAN_PLAN_SOURCE_H
#define NSBOX_PLAN_PLAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The plan at the end of our own executable, or NULL. The end is the plan, its length in 8 bytes (little endian),
 * "NSBOXPLN".
 */
char *plan_source_trailer(size_t *length);
/*
 * The same plan if it is a segment of the executable (src/launch/append-plan.ts), so that it is in memory already; or
 * NULL. It overwrites the name of the process.
 */
const char *plan_source_segment(size_t *length);
/* Keeps a plan that doesn't come from an executable for nsbox enter: in a memory file that the supervisor has open. */
void plan_source_keep(const char *text, size_t length);
/* Whether our executable is a sealed memory file, which no process can change. */
bool plan_source_is_sealed(void);
/* Where our executable, open as EXECUTABLE, ends: there the plan begins, if it has one. 0: not known. */
off_t plan_source_program_end(int executable);
/* A copy of this program without its plan, in a memory file. Fails by fail(). */
int plan_source_copy_program(void);
/*
 * Seals such a copy and executes it, so that the box can't overwrite our executable (CVE-2019-5736). The copy reads the
 * plan from a descriptor, so that the box can't read it either. Returns, with errno, if this system executes no memory
 * files.
 */
void plan_source_become_sealed(int copy, const char *text, size_t length, bool old_mount_api, char *const *extra);

#endif
