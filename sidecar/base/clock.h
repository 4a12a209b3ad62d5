/* How long the box has been running. */
#ifndef NSBOX_BASE_CLOCK_H
#define NSBOX_BASE_CLOCK_H

#include <stdint.h>

void clock_start(void);
/* Microseconds since clock_start. */
int64_t clock_elapsed(void);

#endif
