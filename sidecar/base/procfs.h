/* The processes that /proc shows. A number means a process only where /proc belongs to our pid namespace. */
#ifndef NSBOX_PROCFS_H
#define NSBOX_PROCFS_H

#include <stdbool.h>

/*
 * Our own directory in /proc, or -1 with errno; *NUMBER is our number there, whatever pid namespace that /proc belongs to. It is
 * checked to be ours. ENOENT: this /proc has no process of our pid namespace.
 */
int procfs_open_self(int *number);
/* Whether numbers of our pid namespace mean the same processes in /proc. */
bool procfs_has_our_numbers(void);
/* Fails by fail() where numbers of our pid namespace mean other processes in /proc. */
void procfs_refuse_foreign(void);

#endif
