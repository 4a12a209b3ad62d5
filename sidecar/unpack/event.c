#include "unpack/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/errno_name.h"
#include "base/utf8.h"

enum { MAX_SKIPPED_LINES = 10, PROGRESS_MILLISECONDS = 100 };

static uint64_t skipped;
static void (*on_failure)(void);
static FILE *out;

void event_to(FILE *file) { out = file; }

static FILE *stream(void) { return out ? out : stdout; }

/* Prints TEXT as a JSON string. A byte that isn't part of UTF-8 becomes U+FFFD: messages show names, nobody opens them
 * by it. */
static void print_string(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text);
	putc('"', stream());
	while (left > 0) {
		size_t length = utf8_length(p, left);
		if (length == 0)
			fputs("\\ufffd", stream());
		else if (*p == '"' || *p == '\\')
			fprintf(stream(), "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(stream(), "\\u%04x", *p);
		else
			fwrite(p, 1, length, stream());
		p += length ? length : 1;
		left -= length ? length : 1;
	}
	putc('"', stream());
}

static void print_member(const char *key, const char *text)
{
	fprintf(stream(), ",\"%s\":", key);
	print_string(text);
}

static void end_line(void)
{
	fputs("}\n", stream());
	fflush(stream());
}

void event_progress(uint64_t bytes, uint64_t entries)
{
	static int64_t last;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t milliseconds = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	if (last && milliseconds - last < PROGRESS_MILLISECONDS)
		return;
	if (last) {
		fprintf(stream(), "{\"event\":\"progress\",\"bytes\":%llu,\"entries\":%llu", (unsigned long long)bytes,
			(unsigned long long)entries);
		end_line();
	}
	last = milliseconds;
}

void event_skipped(const char *what, const char *entry)
{
	if (++skipped > MAX_SKIPPED_LINES)
		return;
	fputs("{\"event\":\"skipped\"", stream());
	print_member("what", what);
	print_member("entry", entry);
	end_line();
}

uint64_t event_skip_count(void) { return skipped; }

void event_done(const char *digest, uint64_t bytes, uint64_t entries, uint64_t size)
{
	fputs("{\"event\":\"done\"", stream());
	if (digest)
		fprintf(stream(), ",\"digest\":\"sha256:%s\"", digest);
	fprintf(stream(), ",\"bytes\":%llu,\"entries\":%llu,\"skipped\":%llu,\"size\":%llu", (unsigned long long)bytes,
		(unsigned long long)entries, (unsigned long long)skipped, (unsigned long long)size);
	end_line();
}

void event_verified(uint64_t files, uint64_t differ)
{
	fprintf(stream(), "{\"event\":\"done\",\"entries\":%llu,\"differ\":%llu", (unsigned long long)files,
		(unsigned long long)differ);
	end_line();
}

void event_print(const char *event, const char *key, const char *text)
{
	fprintf(stream(), "{\"event\":\"%s\"", event);
	if (key)
		print_member(key, text);
	end_line();
}

void event_file(const char *path, uint64_t offset, uint64_t size)
{
	fputs("{\"event\":\"file\"", stream());
	print_member("path", path);
	fprintf(stream(), ",\"offset\":%llu,\"size\":%llu", (unsigned long long)offset, (unsigned long long)size);
	end_line();
}

void event_on_failure(void (*function)(void)) { on_failure = function; }

void event_fail(const char *what, const char *entry, int number)
{
	if (on_failure)
		on_failure();
	fputs("{\"event\":\"error\"", stream());
	print_member("what", what);
	if (entry)
		print_member("entry", entry);
	if (number)
		print_member("code", errno_name(number));
	end_line();
	exit(1);
}

void event_failf(const char *entry, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	event_fail(text, entry, 0);
}
