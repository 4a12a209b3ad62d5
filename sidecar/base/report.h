/* What nsbox says: the one failure line, hints, phases with their time, and events as JSON lines. */
#ifndef NSBOX_REPORT_H
#define NSBOX_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct plan;
struct rusage;

enum { STATUS_USAGE = 2, STATUS_TIMED_OUT = 124, STATUS_FAILED = 125, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

void report_set_up(const struct plan *plan);
/* Enter the phase NAME: the step of every message from now on. */
void report_phase(const char *name);
/* The same, where another process tells the phases: its time is not printed. */
void report_phase_quietly(const char *name);
/* No other phase follows. */
void report_last_phase(void);
/* The way out, to be printed below the next failure. */
void report_hint(const char *text);
/* The same for a process that could not be started, if errno is EAGAIN. */
void report_hint_of_processes(void);
/* Called once before the process ends by a failure. */
void report_on_failure(void (*undo)(void));
/* Called with the status of a failure, before it is printed: the process that supervises learns of it so. NULL: nobody does. */
void report_to(void (*tell)(int status));
/* Called last of all, before the process ends by a failure. */
void report_before_exit(void (*function)(void));
/* A process that shares our memory (vfork) has failed. */
bool report_has_failed(void);
/* One that does not share it has, and has said so. */
void report_set_failed(void);
/* Print `nsbox: STEP: WHAT: PATH: ERRNO TEXT (ERRNO NAME)` and end with status 125. PATH may be NULL. Takes errno. */
_Noreturn void fail(const char *what, const char *path);
/* The same without an error number. */
_Noreturn void fail_plain(const char *what, const char *path);
/* The same with errno and another exit status. */
_Noreturn void fail_status(int status, const char *what, const char *path);
/* With --verbose: something was made for the box. */
void report_made(const char *path);
void report_warning(const char *text);
/* A name on one line, with control characters as escapes. */
void report_print(FILE *out, const char *text);
/* Where events go, or -1. */
int report_status_fd(void);
void report_started(int pid);
/* One line on FD, not on stderr, which may be the command's alone by now. */
void report_out_of_memory(int fd, int64_t limit);
/* What a control group tells of a box; -1 for what it does not. */
struct report_usage { int64_t user, system /* microseconds */, peak_memory /* bytes */, oom_kills; };

/* WALL in microseconds; USED by the box in all; GROUP, or NULL: the same and more, as its control group tells. */
void report_exited(int status, int signal, bool timed_out, int64_t wall, const struct rusage *used, const struct report_usage *group);

#endif
