/* Makes one tree of a stack of layers. */
#ifndef NSBOX_UNPACK_FLATTEN_H
#define NSBOX_UNPACK_FLATTEN_H

/* Places what the layers DIRECTORY/0 (the topmost), DIRECTORY/1... show together. Fails by event_fail(). */
void flatten_place(const char *directory);

#endif
