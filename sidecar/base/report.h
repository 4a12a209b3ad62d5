/* The only writer of messages: the failure line, hints, phases with their times, and events as JSON lines. */
#ifndef NSBOX_BASE_REPORT_H
#define NSBOX_BASE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/steps.h"

struct plan;
struct rusage;

enum {
	STATUS_USAGE = 2,
	STATUS_TIMED_OUT = 124,
	STATUS_FAILED = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127
};

void report_set_up(const struct plan *plan);
/* Enters a phase, whose time --verbose prints; it is the step of every message from now on, too. */
void report_phase(enum step phase);
/* Sets the step of every message from now on; the phase goes on. */
void report_step(enum step step);
/* Ends the last phase. */
void report_last_phase(void);
/* The way out if a process could not be started; NULL unless errno is EAGAIN. */
const char *report_process_hint(void);
/* Sets a function that a failure calls once, first of all. */
void report_on_failure(void (*undo)(void));
/*
 * Sets a function that a failure calls with its status before it is printed, to inform the supervisor. NULL: no
 * function.
 */
void report_to(void (*inform)(int status));
/* Whether a process that shares our memory (vfork) has failed. */
bool report_has_failed(void);
/* Notes that a process that doesn't share our memory has failed and has printed its message. */
void report_set_failed(void);
/* Prints `nsbox: STEP: WHAT: PATH: ERRNO TEXT (ERRNO NAME)` and ends with status 125. PATH may be NULL. Takes errno. */
_Noreturn void fail(const char *what, const char *path);
/* The same with the way out on a line below. HINT may be NULL. */
_Noreturn void fail_hint(const char *what, const char *path, const char *hint);
/* The same two without an error number. */
_Noreturn void fail_plain(const char *what, const char *path);
_Noreturn void fail_plain_hint(const char *what, const char *path, const char *hint);
/* With errno, and with another exit status. */
_Noreturn void fail_status(int status, const char *what, const char *path, const char *hint);
/* Prints a failure as the above do, and returns. NUMBER: errno, or 0. */
void report_failure(const char *what, const char *path, const char *hint, int number);
/* Ends as they do, without a message: another process prints it. */
_Noreturn void report_give_up(int status);
/* Prints, with --verbose, that PATH was made for the box. */
void report_made(const char *path);
/* The same, that a mount of PATH is left out. */
void report_left_out(const char *path);
void report_warning(const char *text);
/* Makes FD the descriptor that events are written to, in a program that has no plan. */
void report_events_to(int fd);
/* The descriptor that events are written to, or -1. */
int report_status_fd(void);
/* The box is set up, and waits at its gate. */
void report_ready(int pid);
void report_started(int pid);
/* Prints one line on FD: stderr may be closed by now, since the command has its own copy. */
void report_out_of_memory(int fd, int64_t limit);
/* The same, for a command that the filter has ended. FD may be -1. */
void report_filtered(int fd);
/* A control group's figures for a box; -1: the group has no such figure. */
struct report_usage {
	int64_t user, system /* microseconds */, peak_memory /* bytes */, oom_kills;
};

/*
 * WALL is in microseconds. USED is what the whole box used. GROUP, if not NULL, has its control group's figures, which
 * win.
 */
void report_exited(
	int status, int signal, bool timed_out, int64_t wall, const struct rusage *used, const struct report_usage *group);

#endif
