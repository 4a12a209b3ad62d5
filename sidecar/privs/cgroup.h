/*
 * The box's own control group, version 2; cgroups(7) and Documentation/admin-guide/cgroup-v2.rst.
 *
 * It is two: NAME with the limits, and NAME/box with the processes, which is the top of the box's cgroup namespace. So
 * the files with the limits that count lie outside of all that the box can see, even where it may mount the hierarchy
 * and write to it. The inner one has the same limits once more, for programs that look there how much memory they may
 * take.
 */
#ifndef NSBOX_PRIVS_CGROUP_H
#define NSBOX_PRIVS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"
#include "plan/contract.h"

/*
 * Make it: below the caller's own group, or where processes are in that, as near above it as the caller may. Fails,
 * with the reason, where there is no such place. It is removed when we fail.
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
 * Instead of making one: that of PROCESS, a directory of proc(5) with this NAME, if it was made here. A box without
 * limits is in the group of whoever started it.
 */
void cgroup_hold(int process, const char *name);

#endif
