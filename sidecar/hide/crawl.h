/*
 * Walks a tree, and covers what its patterns (states.h) hide. A directory is entered by its descriptor, and what was
 * found is covered by its descriptor: whoever renames in the tree meanwhile leads nothing out of it.
 */
#ifndef NSBOX_HIDE_CRAWL_H
#define NSBOX_HIDE_CRAWL_H

#include <stdbool.h>
#include <stddef.h>

struct state;

/* Names that may be hidden, and seconds: more is a failure, since a box never hides less than it was told. */
enum { CRAWL_MOST = 20000, CRAWL_SECONDS = 30 };

/*
 * Walks the directory TOP, whose state is STATE and whose path, which the patterns have for it, FROM, "" for the root.
 * Returns the number of hidden names; fails by failure().
 */
size_t crawl_all(int top, const char *from, const struct state *state);

#endif
