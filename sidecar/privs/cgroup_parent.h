/* Where in the hierarchy of control groups the caller may make one. */
#ifndef NSBOX_PRIVS_CGROUP_PARENT_H
#define NSBOX_PRIVS_CGROUP_PARENT_H

#include <limits.h>
#include <stdbool.h>

#include "plan/contract.h"

/* "+memory +cpu +pids ", as far as LIMITS need them; with '-' what takes it back. Empty: none is needed. */
void cgroup_controllers(const struct cgroup *limits, char sign, char text[64]);
/* Those that nsbox makes are called so, and nobody else's. */
bool cgroup_is_ours(const char *name);
/* The group for the processes, in one of ours, by its path, which is as it was afterwards. */
bool cgroup_is_inner(char *path);
/* Read a file of a group, as far as it fits, and end it with NUL. False with errno. */
bool cgroup_read(int group, const char *name, char *text, int room);
/* False with errno. */
bool cgroup_write(int group, const char *name, const char *text);
/*
 * The directory of the group that a process is in, by its name below /proc ("self"). NULL with errno, or 0 where there
 * is no hierarchy.
 */
char *cgroup_of(const char *process, char *top);
/* A group in which one with the controllers that LIMITS need can be made, as a directory. Fails where there is none. */
int cgroup_find_parent(const struct cgroup *limits);
/* Undo what cgroup_find_parent has changed, as far as that is possible. */
void cgroup_leave_parent(const struct cgroup *limits);

#endif
