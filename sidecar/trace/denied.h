/* Reports what is refused in a box: `nsbox --trace-denied`. */
#ifndef NSBOX_TRACE_DENIED_H
#define NSBOX_TRACE_DENIED_H

/*
 * The process is the box's helper, outside of it: descriptor 3 gets a byte when the box is traced, 4 is the directory
 * in /proc of the box's first process, which waits, and 5 gets the reports (tally.h). Ends when TERM comes.
 */
_Noreturn void denied_run(void);

#endif
