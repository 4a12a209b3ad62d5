/* Loads the filter of system calls, seccomp(2). */
#ifndef NSBOX_PRIVS_SECCOMP_H
#define NSBOX_PRIVS_SECCOMP_H

#include <stdbool.h>

#include "plan/contract.h"

/* Whether nsbox made the filter: such a filter refuses no call of our init. */
bool seccomp_is_ours(const struct seccomp *seccomp);
/* Whether it answers changes of ids with success (--fake-root): our own must come before it. */
bool seccomp_answers_ids(const struct seccomp *seccomp);

/* Loads FILTER for this thread and all that it starts. Does nothing if FILTER is NULL, or after seccomp_load_shared. */
void seccomp_load(const struct seccomp *filter);
/* Loads FILTER once for all processes that are started from now on. Sets no_new_privs. */
void seccomp_load_shared(const struct seccomp *filter);

#endif
