/* Paths of the host, as the plan names them. */
#ifndef NSBOX_HOST_H
#define NSBOX_HOST_H

#include <stdbool.h>

/* From now on a symbolic link in such a path is an error. */
void host_refuse_links(void);
bool host_refuses_links(void);

/* As open(2), close-on-exec. -1 with ELOOP, and a hint, for a link that is refused. */
int host_open(const char *path, int flags);

#endif
