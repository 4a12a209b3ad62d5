/* The way out where nothing can be made in a directory of the box. */
#ifndef NSBOX_FS_MAKE_HINT_H
#define NSBOX_FS_MAKE_HINT_H

/* NULL, or the hint where errno says why nothing can be made in PARENT, on the way to PATH, a clean path; errno stays.
 */
const char *make_hint(int parent, const char *path);

#endif
