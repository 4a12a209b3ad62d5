/* File systems of the kernel's own: nobody keeps a file there. */
#ifndef NSBOX_HIDE_KERNELS_H
#define NSBOX_HIDE_KERNELS_H

#include <stdbool.h>

/* Whether FD lies on one, or on an automount, where looking would mount something. */
bool kernels_own(int fd);

#endif
