/* The list of a layer's regular files with the digests of their contents, by which a tree can be verified later. */
#ifndef NSBOX_UNPACK_MTREE_H
#define NSBOX_UNPACK_MTREE_H

#include "unpack/digest.h"

/* Starts the list PATH. Fails by event_fail(), as the others do. */
void mtree_create(const char *path);
/* Adds a line: the digest, two spaces, and the path, in which a newline is \n and a backslash is \\. */
void mtree_add(const char *path, const char digest[DIGEST_TEXT]);
/* Adds a line for the hard link PATH to TARGET, a file of the layer. */
void mtree_add_link(const char *path, const char *target);
/* Must be called when a file in the list was removed or replaced: mtree_finish() then lists the tree anew. */
void mtree_is_stale(void);
/* Ends the list. */
void mtree_finish(void);
/* Compares the layer with the list PATH, and prints an event for each file that differs. */
void mtree_verify(const char *path);

#endif
