/* How long there has been a box. */
#ifndef NSBOX_CLOCK_H
#define NSBOX_CLOCK_H

#include <stdint.h>

void clock_start(void);
/* Microseconds since then. */
int64_t clock_elapsed(void);

#endif
