#define NSBOX_STEP_WORDS
#include "base/report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errno_name.h"
#include "base/line.h"
#include "plan/contract.h"

static enum step phase = STEP_START, step = STEP_START;
static bool verbose, quiet, errors_to_status;
static int status_fd = -1;
static void (*undo)(void);
static void (*inform)(int status);
static bool failed;
static int64_t phase_start;

void report_set_up(const struct plan *plan)
{
	if (!plan->supervision)
		return;
	verbose = plan->supervision->verbose;
	quiet = plan->supervision->quiet;
	status_fd = (int)plan->supervision->status_fd;
	errors_to_status = status_fd >= 0 && plan->supervision->errors == SUPERVISION_ERRORS_STATUS;
}

void report_events_to(int fd) { status_fd = fd; }

static const char *word_of(enum step wanted) { return word_at(step_words, wanted); }

static void print_phase(long microseconds)
{
	line_begin(2);
	line_add_format("nsbox: %-12s %6ld us\n", word_of(phase), microseconds);
	line_end();
}

static void end_phase(void)
{
	if (!verbose)
		return;
	int64_t now = clock_now();
	if (phase_start)
		print_phase((long)(now - phase_start));
	phase_start = now;
}

void report_phase(enum step next)
{
	end_phase();
	phase = step = next;
}

void report_step(enum step next) { step = next; }

void report_last_phase(void)
{
	end_phase();
	verbose = false;
}

const char *report_process_hint(void)
{
	return errno == EAGAIN
			   ? "as many processes run as may: ulimit -u, which counts all of your user, or pids.max of the control group here"
			   : NULL;
}

void report_on_failure(void (*function)(void)) { undo = function; }
void report_to(void (*function)(int status)) { inform = function; }
bool report_has_failed(void) { return failed; }
void report_set_failed(void) { failed = true; }

/* A failure, as it was reported. */
struct failure {
	const char *what, *path, *hint;
	int number;
};

static void begin_message(void)
{
	line_begin(2);
	line_add_format("nsbox: %s: ", word_of(step));
}

static void print_line(const struct failure *failure)
{
	begin_message();
	line_add_safe(failure->what, LINE_TEXT);
	if (failure->path) {
		line_add(": ");
		line_add_safe(failure->path, LINE_TEXT);
	}
	if (failure->number)
		line_add_format(": %s (%s)", strerror(failure->number), errno_name(failure->number));
	if (failure->hint && !quiet) {
		line_add("\nhint: ");
		line_add_safe(failure->hint, LINE_TEXT);
	}
	line_add("\n");
	line_end();
}

static void print_event(const struct failure *failure, int status)
{
	if (status_fd < 0)
		return;
	line_begin(status_fd);
	line_add_format("{\"event\":\"error\",\"step\":\"%s\",\"what\":\"", word_of(step));
	line_add_safe(failure->what, LINE_JSON_TEXT);
	if (failure->path) {
		line_add("\",\"path\":\"");
		line_add_safe(failure->path, LINE_JSON_VALUE);
	}
	if (failure->number)
		line_add_format("\",\"errno\":%d,\"code\":\"%s\",\"text\":\"%s", failure->number, errno_name(failure->number),
			strerror(failure->number));
	if (failure->hint) {
		line_add("\",\"hint\":\"");
		line_add_safe(failure->hint, LINE_JSON_TEXT);
	}
	line_add_format("\",\"status\":%d}\n", status);
	line_end();
}

/* The hint for an error number that has the same way out whatever call failed. */
static const char *hint_for(int number)
{
	if (number == EMFILE)
		return "the limit on open files (ulimit -n) is too low for nsbox itself: raise it; for the box alone: --ulimit nofile=N";
	if (number == ENFILE)
		return "the whole system has too many files open: see /proc/sys/fs/file-max";
	return NULL;
}

static void print_failure(const struct failure *failure, int status)
{
	if (!errors_to_status)
		print_line(failure);
	print_event(failure, status);
}

void report_failure(const char *what, const char *path, const char *hint, int number)
{
	signal(SIGPIPE, SIG_IGN);
	print_failure(&(struct failure){what, path, hint ? hint : hint_for(number), number}, STATUS_FAILED);
}

/* FAILURE is NULL where another process prints it. */
static _Noreturn void finish(int status, const struct failure *failure)
{
	void (*cleanup)(void) = undo;
	/* If the reader of stderr is gone, SIGPIPE must not replace our exit status. */
	signal(SIGPIPE, SIG_IGN);
	undo = NULL;
	failed = true;
	if (cleanup)
		cleanup();
	if (inform)
		inform(status);
	if (failure)
		print_failure(failure, status);
	_exit(status);
}

void report_give_up(int status) { finish(status, NULL); }
void fail(const char *what, const char *path) { fail_hint(what, path, NULL); }
void fail_hint(const char *what, const char *path, const char *hint) { fail_status(STATUS_FAILED, what, path, hint); }
void fail_plain(const char *what, const char *path) { fail_plain_hint(what, path, NULL); }
void fail_plain_hint(const char *what, const char *path, const char *hint)
{
	finish(STATUS_FAILED, &(struct failure){what, path, hint, 0});
}

void fail_status(int status, const char *what, const char *path, const char *hint)
{
	int number = errno;
	finish(status, &(struct failure){what, path, hint ? hint : hint_for(number), number});
}

static void print_note(const char *kind, const char *text)
{
	begin_message();
	line_add(kind);
	line_add_safe(text, LINE_TEXT);
	line_add("\n");
	line_end();
}

void report_made(const char *path)
{
	if (verbose)
		print_note("made ", path);
}

void report_left_out(const char *path)
{
	if (verbose)
		print_note("left out, since nothing is there: ", path);
}

void report_warning(const char *text)
{
	if (!quiet && !errors_to_status)
		print_note("warning: ", text);
}

int report_status_fd(void) { return status_fd; }

static void report_process(const char *event, int pid)
{
	if (status_fd < 0)
		return;
	line_begin(status_fd);
	line_add_format("{\"event\":\"%s\",\"pid\":%d}\n", event, pid);
	line_end();
}

void report_ready(int pid) { report_process("ready", pid); }
void report_started(int pid) { report_process("start", pid); }

/* Prints a member of a JSON object: seconds with six decimals. */
static void print_seconds(const char *key, int64_t microseconds)
{
	line_add_format(
		"\"%s\":%lld.%06lld,", key, (long long)(microseconds / 1000000), (long long)(microseconds % 1000000));
}

void report_out_of_memory(int fd, int64_t limit)
{
	static const struct {
		int64_t bytes;
		char name[2];
	} units[] = {{1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}, {1, ""}};
	size_t unit = 0;
	while (limit % units[unit].bytes)
		unit++;
	line_begin(fd);
	line_add_format(
		"nsbox: control group: killed for lack of memory: the limit is %lld%s\nhint: give it more with --memory\n",
		(long long)(limit / units[unit].bytes), units[unit].name);
	line_end();
}

void report_filtered(int fd)
{
	line_begin(fd);
	line_add("nsbox: seccomp: killed by the filter of system calls (SIGSYS)\nhint: --seccomp none runs without it\n");
	line_end();
}

static void print_group(const struct report_usage *group)
{
	if (group->peak_memory >= 0)
		line_add_format(",\"peakMemory\":%lld", (long long)group->peak_memory);
	if (group->oom_kills >= 0)
		line_add_format(",\"oomKills\":%lld", (long long)group->oom_kills);
}

/* The control group's figure, or that of rusage where the group has no figure (-1). */
static int64_t microseconds(struct timeval time, int64_t of_group)
{
	return of_group >= 0 ? of_group : time.tv_sec * INT64_C(1000000) + time.tv_usec;
}

void report_exited(
	int status, int signal, bool timed_out, int64_t wall, const struct rusage *used, const struct report_usage *group)
{
	if (status_fd < 0)
		return;
	line_begin(status_fd);
	line_add_format("{\"event\":\"exit\",\"status\":%d,\"signal\":%d,%s\"usage\":{", status, signal,
		timed_out ? "\"timedOut\":true," : "");
	print_seconds("wall", wall);
	print_seconds("user", microseconds(used->ru_utime, group ? group->user : -1));
	print_seconds("system", microseconds(used->ru_stime, group ? group->system : -1));
	line_add_format("\"maxRss\":%lld", (long long)used->ru_maxrss * 1024);
	if (group)
		print_group(group);
	line_add("}}\n");
	line_end();
}
