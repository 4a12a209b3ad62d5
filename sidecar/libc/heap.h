/* The sidecar's malloc(3). */
#ifndef NSBOX_HEAP_H
#define NSBOX_HEAP_H

/* Leave nothing of all that was ever put into its pieces of memory. None of them can be used after that. */
void heap_forget(void);

#endif
