/* Reports to the sidecar what failed, and ends. */
#ifndef NSBOX_HIDE_FAILURE_H
#define NSBOX_HIDE_FAILURE_H

/* Where it is reported. */
void failure_to(int descriptor);
/* WHAT failed at PATH; NUMBER: errno, or 0. PATH and HINT may be NULL. */
_Noreturn void failure(const char *what, const char *path, const char *hint, int number);

/* The same, and goes on. */
void failure_report(const char *what, const char *path, const char *hint, int number);

#endif
