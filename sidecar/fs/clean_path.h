/* Paths as text: without empty components, "." and "..". "" is the root. */
#ifndef NSBOX_FS_CLEAN_PATH_H
#define NSBOX_FS_CLEAN_PATH_H

#include <stddef.h>

/* A path of the plan, cleaned as text, so a link before ".." isn't followed. Its memory is never freed. */
const char *clean_path(const char *path);
/* Leaves one slash before each component, and removes "."; ".." stays. The text doesn't grow. */
void clean_path_tidy(char *text);
/* The number of bytes of a tidy path before the first "..". */
size_t clean_path_down(const char *text);

#endif
