/*
 * The box's own control group, version 2; cgroups(7) and Documentation/admin-guide/cgroup-v2.rst.
 *
 * A box has two groups: NAME has the limits, and NAME/box has the processes and is the top of the box's cgroup
 * namespace. The limits that count lie outside of that top, so a box that may mount the hierarchy and write to it can't
 * change them. The inner group has the same limits once more, for programs that read there how much memory they may
 * use.
 */
#ifndef NSBOX_PRIVS_CGROUP_H
#define NSBOX_PRIVS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"
#include "plan/contract.h"

/*
 * Makes both groups: below the caller's own group, or, if that has processes, below the nearest group above it in which
 * the caller may. Fails by fail(), with the reason, if there is no such group. A later failure removes them.
 */
void cgroup_make(const struct cgroup *limits);
/* The directory of the group for the processes, or -1. */
int cgroup_descriptor(void);
/* Moves the calling process into that group. */
void cgroup_enter(void);
/* False if the box has no group. */
bool cgroup_read_usage(struct report_usage *usage);
/* Kills all processes in the groups, and removes them. */
void cgroup_remove(void);
/*
 * For a command that enters a box: uses the group of PROCESS, a directory of proc(5) with this NAME, if nsbox made that
 * group. A box without limits has none, and is in its caller's group.
 */
void cgroup_open(int process, const char *name);

#endif
