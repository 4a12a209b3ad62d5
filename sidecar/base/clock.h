/* The clock and waiting. Times are in microseconds. */
#ifndef NSBOX_BASE_CLOCK_H
#define NSBOX_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC. */
int64_t clock_now(void);
/* Notes when the box starts. */
void clock_start(void);
/* Since clock_start. */
int64_t clock_elapsed(void);
/* Less than a second. */
void clock_sleep(int microseconds);

#endif
