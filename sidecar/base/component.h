/* Paths that are walked one component at a time. */
#ifndef NSBOX_BASE_COMPONENT_H
#define NSBOX_BASE_COMPONENT_H

#include <limits.h>

/*
 * Takes the first component off PATH, without the slashes before it, and puts it into NAME. Returns 1; 0 if no
 * component is left; -1 with ENAMETOOLONG for one that is longer than the kernel takes.
 */
int component_take(char *path, char name[NAME_MAX + 1]);

#endif
