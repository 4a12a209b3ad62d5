#include "unpack/cpio.h"

#include <stdio.h>
#include <string.h>

/* The header: a magic number of six digits, then thirteen hexadecimal numbers of eight. */
enum { HEADER = 110, DIGITS = 8, FILE_SIZE = 6, DEVICE_MAJOR = 7, NAME_SIZE = 11, MAX_NAME = 4096 };

#define TRAILER "TRAILER!!!"

static enum { HEADERS, NAME, CONTENT, BETWEEN } state;
static unsigned char head[HEADER + MAX_NAME + 4]; /* header and name, with their padding */
static size_t have, want;
static unsigned long long content; /* bytes that are left of a file's content, with their padding */
static unsigned member;
static const char *wrong;
static decode_sink *raw_sink, *joined_sink;

bool cpio_starts_with(const unsigned char *bytes, size_t length)
{
	return length >= 6 && (memcmp(bytes, "070701", 6) == 0 || memcmp(bytes, "070702", 6) == 0);
}

/* The number in field I of the header; false if it isn't one. */
static bool field(int i, unsigned long *number)
{
	const unsigned char *at = head + 6 + (size_t)i * DIGITS;
	*number = 0;
	for (int digit = 0; digit < DIGITS; digit++) {
		const char *found = at[digit] ? strchr("0123456789abcdef0123456789ABCDEF", at[digit]) : NULL;
		if (!found)
			return false;
		*number = *number << 4 | (unsigned long)((found - "0123456789abcdef0123456789ABCDEF") & 15);
	}
	return true;
}

static size_t padding(unsigned long long length) { return (size_t)(-length & 3); }

static void end_header(void)
{
	unsigned long name;
	if (!cpio_starts_with(head, HEADER) || !field(NAME_SIZE, &name) || name == 0 || name > MAX_NAME) {
		wrong = "cpio archive is damaged";
		return;
	}
	want = HEADER + name + padding(HEADER + name);
	state = NAME;
}

/*
 * Numbers of files count in their own member alone: two files of different members with the same one aren't links. So
 * each member gets a device number of its own.
 */
static void end_name(void)
{
	unsigned long size;
	char device[DIGITS + 1];
	if (!field(FILE_SIZE, &size)) {
		wrong = "cpio archive is damaged";
		return;
	}
	content = size + padding(size);
	if (strncmp((char *)head + HEADER, TRAILER, want - HEADER) == 0) {
		state = BETWEEN;
		member++;
		return;
	}
	if (member > 0) {
		snprintf(device, sizeof device, "%08x", 0x10000u + member);
		memcpy(head + 6 + (size_t)DEVICE_MAJOR * DIGITS, device, DIGITS);
	}
	joined_sink(head, want);
	state = content ? CONTENT : HEADERS;
	have = 0;
	want = HEADER;
}

/* Takes bytes of an archive, at most to its end. Returns how many. */
static size_t take(const unsigned char *bytes, size_t length)
{
	size_t taken = 0;
	while (taken < length && state != BETWEEN && !wrong) {
		size_t left = length - taken, part;
		if (state == CONTENT) {
			part = left < content ? left : (size_t)content;
			joined_sink(bytes + taken, part);
			content -= part;
			if (content == 0)
				state = HEADERS;
		} else {
			part = left < want - have ? left : want - have;
			memcpy(head + have, bytes + taken, part);
			have += part;
			if (have == want && state == HEADERS)
				end_header();
			else if (have == want)
				end_name();
		}
		taken += part;
	}
	return taken;
}

static void start(void)
{
	state = HEADERS;
	have = 0;
	want = HEADER;
}

/* Takes decoded bytes: archives, and zeros behind each. */
static void take_decoded(const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	raw_sink(bytes, length);
	while (length > 0 && !wrong) {
		if (state == BETWEEN && *at != 0)
			start();
		size_t taken = state == BETWEEN ? 1 : take(at, length);
		at += taken;
		length -= taken;
	}
}

/* Takes an archive that isn't compressed, which ends in the middle of the buffer. */
static void take_plain(struct input *in)
{
	start();
	while (!wrong && state != BETWEEN && input_fill(in, 1) > 0) {
		const unsigned char *bytes = in->buffer + in->start;
		size_t taken = take(bytes, in->end - in->start);
		raw_sink(bytes, taken);
		in->start += taken;
	}
}

static const char *join(struct input *in, int *number)
{
	while (input_fill(in, 1) > 0 && !wrong) {
		if (in->buffer[in->start] == 0) {
			in->start++;
			continue;
		}
		size_t length = input_fill(in, 6);
		if (cpio_starts_with(in->buffer + in->start, length)) {
			take_plain(in);
		} else if (decode_knows(in)) {
			start();
			const char *failed = decode(in, take_decoded, true, number);
			if (failed)
				return failed;
		} else {
			return "is not a cpio archive of the format newc";
		}
		if (!wrong && state != BETWEEN)
			return "cpio archive ends too early";
	}
	return wrong;
}

const char *cpio_join(struct input *in, decode_sink *raw, decode_sink *joined, int *number)
{
	raw_sink = raw;
	joined_sink = joined;
	member = 0;
	wrong = NULL;
	*number = 0;
	const char *failed = join(in, number);
	if (failed || in->error) {
		*number = failed ? *number : in->error;
		return failed ? failed : "read the archive";
	}
	if (member == 0)
		return "is not a cpio archive of the format newc";
	/* The end, which was left out of each member. */
	memset(head, '0', HEADER);
	memcpy(head, "070701", 6); /* NOLINT(bugprone-not-null-terminated-result): a field of fixed length */
	memcpy(head + 6 + (size_t)NAME_SIZE * DIGITS, "0000000b", DIGITS);
	memset(head + HEADER, 0, 14);
	memcpy(head + HEADER, TRAILER, sizeof TRAILER);
	joined_sink(head, HEADER + 14);
	return NULL;
}
