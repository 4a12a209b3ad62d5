#include "base/line.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "libc/large.h"

/* A pipe takes so much at once, and nothing of another process in between. */
LARGE_ARRAY static char buffer[PIPE_BUF];
static size_t used;
static int to, failure;

void line_begin(int fd)
{
	to = fd;
	used = 0;
	failure = 0;
}

static void write_out(void)
{
	for (size_t done = 0; done < used && !failure;) {
		ssize_t length = write(to, buffer + done, used - done);
		if (length >= 0)
			done += (size_t)length;
		else if (errno != EINTR)
			failure = errno;
	}
	used = 0;
}

void line_add_bytes(const char *text, size_t length)
{
	while (length > 0) {
		size_t part = sizeof buffer - used < length ? sizeof buffer - used : length;
		memcpy(buffer + used, text, part);
		used += part;
		text += part;
		length -= part;
		if (used == sizeof buffer)
			write_out();
	}
}

void line_add(const char *text) { line_add_bytes(text, strlen(text)); }

void line_add_format(const char *format, ...)
{
	char text[201];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	line_add(text);
}

static bool is_control(const unsigned char *c, size_t length)
{
	return length == 2 ? c[0] == 0xc2 && c[1] < 0xa0 : length == 1 && (*c < 0x20 || *c == 0x7f);
}

/* A terminal that isn't UTF-8 takes such a byte as a command. */
static bool is_single_byte_control(const unsigned char *c, size_t length)
{
	return length == 0 && *c >= 0x80 && *c < 0xa0;
}

void line_add_safe(const char *text, enum line_form form)
{
	size_t left = strlen(text), length;
	for (const unsigned char *c = (const unsigned char *)text; left > 0; c += length, left -= length) {
		size_t valid = utf8_length(c, left);
		length = valid ? valid : 1;
		if (is_control(c, valid) && form == LINE_JSON_VALUE)
			line_add_format("\\u%04x", c[length - 1]);
		else if (is_control(c, valid))
			for (size_t i = 0; i < length; i++)
				line_add_format(form == LINE_TEXT ? "\\x%02x" : "\\\\x%02x", c[i]);
		else if (!valid && form != LINE_TEXT)
			line_add_format("\\udc%02x", *c);
		else if (is_single_byte_control(c, valid))
			line_add_format("\\x%02x", *c);
		else if ((*c == '"' || *c == '\\') && form != LINE_TEXT)
			line_add_format("\\%c", *c);
		else
			line_add_bytes((const char *)c, length);
	}
}

bool line_end(void)
{
	write_out();
	if (failure)
		errno = failure;
	return !failure;
}
