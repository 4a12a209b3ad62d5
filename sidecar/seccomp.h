/* The filter of system calls, seccomp(2). */
#ifndef NSBOX_SECCOMP_H
#define NSBOX_SECCOMP_H

#include "contract.h"

/* Load it for this thread and what it will start; nothing if FILTER is NULL. */
void seccomp_load(const struct seccomp *filter);

#endif
