/*
 * A vsnprintf with what the sidecar prints: flags - and 0, a width, a precision for text, the sizes l, ll and z, and d
 * u o x c s %. snprintf and asprintf of musl call it, and musl's own brings floating point, wide characters and
 * streams: 17 KB of 160, and no system call or page fault more. Under glibc the C library's stays, since the sanitizers
 * intercept it.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifndef __GLIBC__

/* Where the text goes, without the NUL. What doesn't fit is counted only. */
struct sink {
	char *to;
	size_t room, count;
};

static void put(struct sink *sink, const char *text, size_t length)
{
	size_t part = length < sink->room ? length : sink->room;
	sink->count += length;
	if (part == 0)
		return;
	memcpy(sink->to, text, part);
	sink->to += part;
	sink->room -= part;
}

static void fill(struct sink *sink, char with, long count)
{
	while (count-- > 0)
		put(sink, &with, 1);
}

struct conversion {
	bool left, zero;
	long width, precision;
	int size;
};

static unsigned long long next_unsigned(int size, va_list *args)
{
	return size > 1   ? va_arg(*args, unsigned long long)
		   : size > 0 ? va_arg(*args, unsigned long)
					  : va_arg(*args, unsigned);
}

static long long next_signed(int size, va_list *args)
{
	return size > 1 ? va_arg(*args, long long) : size > 0 ? va_arg(*args, long) : va_arg(*args, int);
}

static void put_padded(struct sink *sink, const struct conversion *how, const char *text, size_t length)
{
	if (!how->left)
		fill(sink, how->zero ? '0' : ' ', how->width - (long)length);
	put(sink, text, length);
	if (how->left)
		fill(sink, ' ', how->width - (long)length);
}

static void put_number(
	struct sink *sink, const struct conversion *how, unsigned long long number, unsigned base, bool minus)
{
	char text[24], *from = text + sizeof text;
	do
		*--from = "0123456789abcdef"[number % base];
	while (number /= base);
	if (minus)
		*--from = '-';
	put_padded(sink, how, from, (size_t)(text + sizeof text - from));
}

static const char *read_number(const char *format, va_list *args, long *number)
{
	*number = 0;
	if (*format == '*') {
		*number = va_arg(*args, int);
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		*number = *number * 10 + (*format - '0');
	return format;
}

/* Prints one conversion; FORMAT points behind its percent sign. Returns what follows the conversion. */
static const char *convert(struct sink *sink, const char *format, va_list *args)
{
	struct conversion how = {.precision = -1};
	for (; *format == '-' || *format == '0'; format++)
		*(*format == '-' ? &how.left : &how.zero) = true;
	format = read_number(format, args, &how.width);
	if (*format == '.')
		format = read_number(format + 1, args, &how.precision);
	for (; *format == 'l' || *format == 'z'; format++)
		how.size++;
	switch (*format) {
	case 'd': {
		long long number = next_signed(how.size, args);
		put_number(
			sink, &how, number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number, 10, number < 0);
		break;
	}
	case 'u': put_number(sink, &how, next_unsigned(how.size, args), 10, false); break;
	case 'o': put_number(sink, &how, next_unsigned(how.size, args), 8, false); break;
	case 'x': put_number(sink, &how, next_unsigned(how.size, args), 16, false); break;
	case 'c': put(sink, &(char){(char)va_arg(*args, int)}, 1); break;
	case 's': {
		const char *text = va_arg(*args, const char *);
		put_padded(sink, &how, text, how.precision < 0 ? strlen(text) : strnlen(text, (size_t)how.precision));
		break;
	}
	default: put(sink, format, 1);
	}
	return format + 1;
}

int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list caller_args)
{
	struct sink sink = {.to = to, .room = size ? size - 1 : 0};
	va_list args;
	va_copy(args, caller_args);
	while (*format) {
		size_t plain = strcspn(format, "%");
		put(&sink, format, plain);
		format += plain;
		if (*format)
			format = convert(&sink, format + 1, &args);
	}
	va_end(args);
	if (size)
		*sink.to = '\0';
	return (int)sink.count;
}

#endif
