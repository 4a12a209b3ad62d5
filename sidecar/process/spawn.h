/* A process in new namespaces. */
#ifndef NSBOX_PROCESS_SPAWN_H
#define NSBOX_PROCESS_SPAWN_H

/*
 * As fork(2), with PLAN_NAMESPACES_* made new for the child, which starts in the group CGROUP where that is not -1.
 * Fails by fail() in the parent.
 */
int spawn_box(unsigned namespaces, int cgroup);
/*
 * In the new process, where there is such a group: what the kernel has not done at once. Its cgroup namespace is one of
 * NAMESPACES.
 */
void spawn_enter_cgroup(unsigned namespaces);

#endif
