/* The names of error numbers: musl has no function that returns them. */
#ifndef NSBOX_BASE_ERRNO_NAME_H
#define NSBOX_BASE_ERRNO_NAME_H

/* "ENOENT"; "errno" for a number that Linux does not have. */
const char *errno_name(int number);

#endif
