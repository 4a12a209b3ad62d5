/* Resource limits, and the signal dispositions that the front end's runtime changed. */
#ifndef NSBOX_PRIVS_LIMITS_H
#define NSBOX_PRIVS_LIMITS_H

#include "plan/contract.h"

void limits_apply(const struct process *process);

#endif
