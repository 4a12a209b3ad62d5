/* Starts a process in new namespaces. */
#ifndef NSBOX_PROCESS_SPAWN_H
#define NSBOX_PROCESS_SPAWN_H

/*
 * As fork(2), but the child gets new PLAN_NAMESPACES_*, and starts in the control group CGROUP, unless that is -1.
 * Fails by fail() in the parent.
 */
int spawn_box(unsigned namespaces, int cgroup);
/*
 * In the new process, if it has a control group: enters it, unless spawn_box did, and makes the cgroup namespace of
 * NAMESPACES.
 */
void spawn_enter_cgroup(unsigned namespaces);

#endif
