/*
 * Changes in the directories that lead to a path: a signal, SIGIO, comes when an entry of one is made, removed or
 * renamed (dnotify, F_NOTIFY of fcntl(2)). Unlike inotify and fanotify it has no limit for each user, and its end takes
 * no time: the kernel waits for a grace period, some 10 ms, when one of their groups is closed.
 */
#ifndef NSBOX_HIDE_NOTICE_H
#define NSBOX_HIDE_NOTICE_H

#include <stdbool.h>

/*
 * Watches the directories on the way from ROOT to PATH, as far as they are there, each once. Returns that of the path's
 * last name, opened with O_PATH, or -1. MOVABLE becomes whether we could rename one of them. No link is followed.
 */
int notice_way(int root, const char *path, bool *movable);
/* Whether some directory can't be watched: no right to list it, or no such thing in this kernel. */
bool notice_is_blind(void);

#endif
