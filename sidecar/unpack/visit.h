/* Goes through a tree of files. */
#ifndef NSBOX_UNPACK_VISIT_H
#define NSBOX_UNPACK_VISIT_H

#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>

/* NAME lies in the directory PARENT, and its path below the top of the tree is PATH. */
typedef void visit_entry(int parent, const char *name, const char *path, const struct stat *st);

/*
 * Calls VISIT for each entry below the directory NAME of PARENT, whose path is the first LENGTH bytes of PATH; for a
 * directory before what is in it. No link is followed. PATH is unchanged afterwards.
 */
void visit_below(int parent, const char *name, char path[PATH_MAX], size_t length, visit_entry *visit);

#endif
