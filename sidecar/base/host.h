/* Opens paths of the host that the plan names. */
#ifndef NSBOX_BASE_HOST_H
#define NSBOX_BASE_HOST_H

#include <stdbool.h>

/* Makes a symbolic link in such a path an error from now on (--no-follow). */
void host_refuse_links(void);
bool host_refuses_links(void);

/* As open(2), close-on-exec. A refused link returns -1 with ELOOP. */
int host_open(const char *path, int flags);
/* The hint after opening PATH has failed with errno, or NULL. MISSING is the hint for a missing file, or NULL. */
const char *host_hint(const char *path, const char *missing);
/*
 * Opens a directory with O_PATH. Fails by fail(), with the message that src/planner/host-path.ts has, too. MISSING as
 * above; NOT_DIRECTORY is the hint for another kind of file, or NULL.
 */
int host_open_directory(const char *path, const char *missing, const char *not_directory);

#endif
