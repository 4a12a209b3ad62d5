/*
 * File systems in files of the host, which the kernel mounts as layers of the root. Only root outside of any user
 * namespace may do so. So the supervisor mounts them, before it makes the box's namespaces, as trees that are attached
 * nowhere; the box's first process inherits their descriptors, and attaches them.
 */
#ifndef NSBOX_FS_FILESYSTEM_H
#define NSBOX_FS_FILESYSTEM_H

#include <stdbool.h>

#include "plan/contract.h"

/* Opens and mounts all file systems of the root. OLD forces mount(2), which mounts them later. Fails by fail(). */
void filesystem_open_all(const struct root *root, bool old);
/*
 * Shows the ids of the files as the box's user namespace maps them. PROCESS: the directory of one of its processes in
 * /proc. Fails by fail().
 */
void filesystem_map_ids(const struct root *root, const struct idmap *map, int process);
/* In the box: mounts file system N of the root on TARGET. Returns a descriptor of its top directory. Fails by fail().
 */
int filesystem_attach(const struct root *root, size_t n, int target);
/* In the supervisor: closes what the box's first process has inherited. */
void filesystem_close_all(const struct root *root);

#endif
