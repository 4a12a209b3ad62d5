/* Hard links of archives that number their files: which path had a number first. */
#ifndef NSBOX_UNPACK_LINKS_H
#define NSBOX_UNPACK_LINKS_H

#include <stdint.h>

/* The path that came first with this number, or NULL: then it is PATH, which is copied. Fails by event_fail(). */
const char *links_first(uint64_t number, const char *path);
/* Numbers mean other files from now on. */
void links_forget(void);

#endif
