/* Extended attributes of files that a box has changed, beside those of the host's files. */
#ifndef NSBOX_UNPACK_DIFFER_H
#define NSBOX_UNPACK_DIFFER_H

#include <stdbool.h>

/* Opens the directory of the host's files. Without one all attributes differ. */
void differ_from(const char *directory);
/*
 * Calls EACH with the name of each attribute of the file FD, and with whether the host's file PATH lacks it or has it
 * otherwise; then for each that only the host's has. Notes of overlays and labels of the system don't count.
 */
void differ_each(int fd, const char *path, void (*each)(const char *name, bool differs));
/*
 * Gives files in the directory TO the user.* attributes of those in FROM: their paths come from standard input, each
 * with a NUL behind it. Fails by event_fail().
 */
void differ_bring(const char *from, const char *to);

#endif
