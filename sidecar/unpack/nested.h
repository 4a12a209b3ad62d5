/* Live systems of Fedora and its kin: a file system in a file of the squashfs. */
#ifndef NSBOX_UNPACK_NESTED_H
#define NSBOX_UNPACK_NESTED_H

#include <stdint.h>

/*
 * Prints where the file is, and what it begins with, as the events "file" and "head"; nothing where there is none.
 * Fails by event_fail().
 */
void nested_print(int fd, uint64_t offset);

#endif
