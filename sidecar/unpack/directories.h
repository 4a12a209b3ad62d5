/*
 * Modes and times of directories, which are set last: a file can't be made in a directory without the permission, and
 * making one changes the time. They wait in an unnamed file, so that memory stays bounded.
 */
#ifndef NSBOX_UNPACK_DIRECTORIES_H
#define NSBOX_UNPACK_DIRECTORIES_H

#include <sys/stat.h>

/* Has the file made in the directory PATH. Fails by event_fail(). */
void directories_open(const char *path);
/* Notes what the directory PATH of UPPER gets; the last note for a path counts. */
void directories_note(const char *path, mode_t mode, const struct timespec *atime, const struct timespec *mtime);
/* Sets them. DIRECTORY opens one by its path (layers_directory). */
void directories_apply(int (*directory)(const char *path));

#endif
