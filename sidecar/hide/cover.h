/* Mounts a file that can't be opened, or an empty directory, over others. */
#ifndef NSBOX_HIDE_COVER_H
#define NSBOX_HIDE_COVER_H

#include <stdbool.h>

/* FILE and DIRECTORY: what to mount, by descriptors of mounts that have all their options. OLD: by mount(2). */
void cover_with(int file, int directory, bool old);
/*
 * Covers NAME in the directory PARENT. False: it is gone. A link is covered itself. Fails by failure(), with PATH in
 * the message.
 */
bool cover_name(int parent, const char *name, const char *path);
/* The same for the file FD. False: it was removed. */
bool cover_file(int fd, const char *path);

#endif
