/*
 * The processes in /proc. A process number of ours means the same process there only if /proc belongs to our pid
 * namespace.
 */
#ifndef NSBOX_BASE_PROCFS_H
#define NSBOX_BASE_PROCFS_H

#include <stdbool.h>

/* Whether the file lies on a procfs, and isn't an ordinary file with the same name. False if that can't be found out.
 */
bool procfs_shows(int fd);

/*
 * Opens our own directory in /proc and checks that it is ours; *NUMBER is our number there, whatever pid namespace that
 * /proc belongs to. -1 with errno; ENOENT: this /proc shows no process of our pid namespace.
 */
int procfs_open_self(int *number);
/* The way out where that has failed, or NULL. Leaves errno alone. */
const char *procfs_hint(void);
/* Whether process numbers of our pid namespace mean the same processes in /proc. */
bool procfs_has_our_numbers(void);
/* Fails by fail() if they don't. */
void procfs_refuse_foreign(void);

#endif
