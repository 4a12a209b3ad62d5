#ifndef NSBOX_HIDE_WATCH_H
#define NSBOX_HIDE_WATCH_H

/*
 * Watches, outside of a box, that the host replaces nothing that is hidden or kept in it, and ends when it has. It is a
 * helper of the box: descriptor 3 gets a byte when it is ready, and what has happened as a struct hide_report; 4 is the
 * directory in /proc of the box's first process. PATHS are hidden or kept, if they exist.
 */
_Noreturn void watch_box(char *const *paths);

#endif
