#define NSBOX_STEP_WORDS
#include "base/report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "base/errno_name.h"
#include "plan/contract.h"

static enum step phase = STEP_START, step = STEP_START;
static bool verbose, quiet, errors_to_status;
static int status_fd = -1;
static void (*undo)(void);
static void (*inform)(int status);
static bool failed;
static struct timespec phase_start;

void report_set_up(const struct plan *plan)
{
	if (!plan->supervision)
		return;
	verbose = plan->supervision->verbose;
	quiet = plan->supervision->quiet;
	status_fd = (int)plan->supervision->status_fd;
	errors_to_status = status_fd >= 0 && plan->supervision->errors == SUPERVISION_ERRORS_STATUS;
}

static const char *word_of(enum step wanted)
{
	const char *word = step_words;
	for (unsigned n = wanted; n; n--)
		word += strlen(word) + 1;
	return word;
}

static void end_phase(void)
{
	struct timespec now;
	if (!verbose)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (phase_start.tv_sec)
		dprintf(2, "nsbox: %-12s %6ld us\n", word_of(phase),
			(now.tv_sec - phase_start.tv_sec) * 1000000L + (now.tv_nsec - phase_start.tv_nsec) / 1000);
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

/*
 * TEXT is for a person. JSON_VALUE is a string in JSON that must decode to the same bytes. JSON_TEXT is a string in
 * JSON that a person reads once it is decoded.
 */
enum form { TEXT, JSON_VALUE, JSON_TEXT };

/*
 * Escapes control characters, so that a file name can neither forge a message nor send commands to the terminal (which
 * may also take U+0080 to U+009F as commands). In JSON a byte that is not UTF-8 is written as in plans, json.h.
 */
static void print_safe(FILE *out, const char *text, enum form form)
{
	static const char *const one[] = {"\\x%02x", "\\u%04x", "\\\\x%02x"}, *const two[] = {"\\xc2\\x%02x", "\\u%04x",
																			  "\\\\xc2\\\\x%02x"};
	size_t left = strlen(text), length;
	for (const unsigned char *c = (const unsigned char *)text; left > 0; c += length, left -= length) {
		length = utf8_length(c, left);
		if (length == 2 && c[0] == 0xc2 && c[1] < 0xa0)
			fprintf(out, two[form], c[1]);
		else if (length == 1 && (*c < 0x20 || *c == 0x7f))
			fprintf(out, one[form], *c);
		else if (length == 1 && form != TEXT && (*c == '"' || *c == '\\'))
			fprintf(out, "\\%c", *c);
		else if (length == 0 && form != TEXT)
			fprintf(out, "\\udc%02x", *c);
		else
			fwrite(c, 1, length ? length : 1, out);
		length = length ? length : 1;
	}
}

void report_print(FILE *out, const char *text) { print_safe(out, text, TEXT); }

static void print_hint(FILE *out, const char *hint)
{
	fputs("hint: ", out);
	print_safe(out, hint, TEXT);
	fputc('\n', out);
}

/* A failure, as it was reported. */
struct failure {
	const char *what, *path, *hint;
	int number;
};

static void print_line(const struct failure *failure)
{
	FILE *out = stderr;
	fprintf(out, "nsbox: %s: ", word_of(step));
	print_safe(out, failure->what, TEXT);
	if (failure->path) {
		fputs(": ", out);
		print_safe(out, failure->path, TEXT);
	}
	if (failure->number)
		fprintf(out, ": %s (%s)", strerror(failure->number), errno_name(failure->number));
	fputc('\n', out);
	if (failure->hint && !quiet)
		print_hint(out, failure->hint);
	fflush(out);
}

static void print_event(const struct failure *failure, int status)
{
	FILE *out = status_fd >= 0 ? fdopen(dup(status_fd), "w") : NULL;
	if (!out)
		return;
	fprintf(out, "{\"event\":\"error\",\"step\":\"%s\",\"what\":\"", word_of(step));
	print_safe(out, failure->what, JSON_TEXT);
	if (failure->path) {
		fputs("\",\"path\":\"", out);
		print_safe(out, failure->path, JSON_VALUE);
	}
	if (failure->number)
		fprintf(out, "\",\"errno\":%d,\"code\":\"%s\",\"text\":\"%s", failure->number, errno_name(failure->number),
			strerror(failure->number));
	if (failure->hint) {
		fputs("\",\"hint\":\"", out);
		print_safe(out, failure->hint, JSON_TEXT);
	}
	fprintf(out, "\",\"status\":%d}\n", status);
	fclose(out);
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

static void print_warning(const char *text)
{
	fprintf(stderr, "nsbox: %s: warning: ", word_of(step));
	print_safe(stderr, text, TEXT);
	fputc('\n', stderr);
	fflush(stderr);
}

void report_made(const char *path)
{
	if (!verbose)
		return;
	fprintf(stderr, "nsbox: %s: made ", word_of(step));
	print_safe(stderr, path, false);
	fputc('\n', stderr);
	fflush(stderr);
}

void report_warning(const char *text)
{
	if (!quiet && !errors_to_status)
		print_warning(text);
}

int report_status_fd(void) { return status_fd; }

static void report_process(const char *event, int pid)
{
	if (status_fd >= 0)
		dprintf(status_fd, "{\"event\":\"%s\",\"pid\":%d}\n", event, pid);
}

void report_ready(int pid) { report_process("ready", pid); }
void report_started(int pid) { report_process("start", pid); }

/* Prints a member of a JSON object: seconds with six decimals. */
static void print_seconds(FILE *out, const char *key, int64_t microseconds)
{
	fprintf(out, "\"%s\":%lld.%06lld,", key, (long long)(microseconds / 1000000), (long long)(microseconds % 1000000));
}

void report_out_of_memory(int fd, int64_t limit)
{
	static const struct {
		int64_t bytes;
		const char *name;
	} units[] = {{1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}, {1, ""}};
	size_t unit = 0;
	while (limit % units[unit].bytes)
		unit++;
	dprintf(fd,
		"nsbox: control group: killed for lack of memory: the limit is %lld%s\nhint: give it more with --memory\n",
		(long long)(limit / units[unit].bytes), units[unit].name);
}

static void print_group(FILE *out, const struct report_usage *group)
{
	if (group->peak_memory >= 0)
		fprintf(out, ",\"peakMemory\":%lld", (long long)group->peak_memory);
	if (group->oom_kills >= 0)
		fprintf(out, ",\"oomKills\":%lld", (long long)group->oom_kills);
}

/* The control group's figure, or that of rusage where the group has no figure (-1). */
static int64_t microseconds(struct timeval time, int64_t of_group)
{
	return of_group >= 0 ? of_group : time.tv_sec * INT64_C(1000000) + time.tv_usec;
}

void report_exited(
	int status, int signal, bool timed_out, int64_t wall, const struct rusage *used, const struct report_usage *group)
{
	FILE *out = status_fd >= 0 ? fdopen(dup(status_fd), "w") : NULL;
	if (!out)
		return;
	fprintf(out, "{\"event\":\"exit\",\"status\":%d,\"signal\":%d,%s\"usage\":{", status, signal,
		timed_out ? "\"timedOut\":true," : "");
	print_seconds(out, "wall", wall);
	print_seconds(out, "user", microseconds(used->ru_utime, group ? group->user : -1));
	print_seconds(out, "system", microseconds(used->ru_stime, group ? group->system : -1));
	fprintf(out, "\"maxRss\":%lld", (long long)used->ru_maxrss * 1024);
	if (group)
		print_group(out, group);
	fputs("}}\n", out);
	fclose(out);
}
