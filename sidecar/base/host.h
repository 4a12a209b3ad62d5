/* Opens paths of the host that the plan names. */
#ifndef NSBOX_BASE_HOST_H
#define NSBOX_BASE_HOST_H

#include <stdbool.h>

/* Makes a symbolic link in such a path an error from now on (--no-follow). */
void host_refuse_links(void);
bool host_refuses_links(void);

/* As open(2), close-on-exec. A refused link returns -1 with ELOOP. */
int host_open(const char *path, int flags);
/* The way out where opening PATH has failed with errno, or NULL. MISSING, or NULL: the one where nothing is there. */
const char *host_hint(const char *path, const char *missing);
/* A directory, by O_PATH. Fails by fail(), as src/planner/build.ts does where it notices first; MISSING as above. */
int host_open_directory(const char *path, const char *missing);

#endif
