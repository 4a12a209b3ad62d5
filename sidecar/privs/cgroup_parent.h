/* Finds the control group below which the caller may make one. */
#ifndef NSBOX_PRIVS_CGROUP_PARENT_H
#define NSBOX_PRIVS_CGROUP_PARENT_H

#include <limits.h>
#include <stdbool.h>

#include "plan/contract.h"

/*
 * The controllers that LIMITS need, as "+memory +cpu +pids "; with SIGN '-' as the text that disables them. May be "".
 */
void cgroup_controllers(const struct cgroup *limits, char sign, char text[64]);
/* Whether NAME has the form that only nsbox uses for its groups. */
bool cgroup_is_ours(const char *name);
/*
 * Whether PATH is the group for the processes in one of our groups. PATH is changed in between, and is the same
 * afterwards.
 */
bool cgroup_is_inner(char *path);
/* Reads a file of a group, as far as it fits, and adds a NUL. False with errno. */
bool cgroup_read(int group, const char *name, char *text, int room);
/* False with errno. */
bool cgroup_write(int group, const char *name, const char *text);
/*
 * The directory of the group of PROCESS, which is its name below /proc ("self"); TOP is where the hierarchy is mounted.
 * NULL with errno, or with 0 if no hierarchy is mounted.
 */
char *cgroup_of(const char *process, char *top);
/* The directory of a group below which one with the controllers that LIMITS need can be made. Fails by fail(). */
int cgroup_find_parent(const struct cgroup *limits);
/* Undoes what cgroup_find_parent changed, as far as that is possible. */
void cgroup_leave_parent(const struct cgroup *limits);

#endif
