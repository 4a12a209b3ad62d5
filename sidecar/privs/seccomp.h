/* The filter of system calls, seccomp(2). */
#ifndef NSBOX_PRIVS_SECCOMP_H
#define NSBOX_PRIVS_SECCOMP_H

#include <stdbool.h>

#include "plan/contract.h"

/* nsbox made it, and so it refuses nothing that an init calls. */
bool seccomp_is_ours(const struct seccomp *seccomp);

/* Load it for this thread and what it will start; nothing if FILTER is NULL, or where there is one that is shared. */
void seccomp_load(const struct seccomp *filter);
/* For all that is started from here on, which need not load it again. Sets no_new_privs. */
void seccomp_load_shared(const struct seccomp *filter);

#endif
