/* A stopped process: its memory, and the places that it has open. */
#ifndef NSBOX_TRACE_TRACEE_H
#define NSBOX_TRACE_TRACEE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A directory and a path below it. */
enum { TRACEE_PATH = 2 * PATH_MAX + 2 };

/* The process of a thread: before Linux 6.9 only processes have descriptors that stand for them. 0: it is gone. */
pid_t tracee_process(pid_t thread);

/* Copies the text at ADDRESS, at most PATH_MAX bytes with its end. False: there is no such text. */
bool tracee_text(pid_t pid, uint64_t address, char text[PATH_MAX]);

/* Copies bytes. False: not all of them are there. */
bool tracee_bytes(pid_t pid, uint64_t address, void *bytes, size_t length);

/* Where a link of /proc/PID leads: "cwd", "exe" or "fd/N". False: nowhere, or the file has no name any more. */
bool tracee_link(pid_t pid, const char *name, char target[PATH_MAX]);

/*
 * Where the file lies that the process has open as FD, if it is open for reading. The descriptor itself is looked at,
 * and not its number, which another thread may give to another file meanwhile. False: it isn't open for reading, its
 * name leads to another file, or the kernel is older than Linux 5.6.
 */
bool tracee_reads(pid_t pid, int fd, char target[PATH_MAX]);

/*
 * The absolute path that TEXT means: relative to the directory open as DIRECTORY, or to the working directory for
 * AT_FDCWD. `has_root`: some process has changed its root directory.
 */
bool tracee_path(pid_t pid, int directory, const char *text, bool has_root, char path[TRACEE_PATH]);

#endif
