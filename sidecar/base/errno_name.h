/* The names of error numbers, which musl has no function for. */
#ifndef NSBOX_ERRNO_NAME_H
#define NSBOX_ERRNO_NAME_H

/* "ENOENT"; "errno" for a number that Linux does not have. */
const char *errno_name(int number);

#endif
