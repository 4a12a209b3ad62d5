/* Removes trees of files. */
#ifndef NSBOX_UNPACK_TREE_H
#define NSBOX_UNPACK_TREE_H

/*
 * Removes NAME in the directory PARENT with all that is below it, whatever its modes; 0 also if it isn't there. No link
 * is followed. -1 with errno.
 */
int tree_remove(int parent, const char *name);

#endif
