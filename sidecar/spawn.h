/* A process in new namespaces. */
#ifndef NSBOX_SPAWN_H
#define NSBOX_SPAWN_H

/* As fork(2), with PLAN_NAMESPACES_* made new for the child. Fails by fail() in the parent. */
int spawn_box(unsigned namespaces);

#endif
