/*
 * Compares the memcpy(3) and memmove(3) of the program that unpacks images with copies byte by byte: each length up to
 * where large ones begin, each alignment, each distance of overlapping bytes. Prints "ok", or what differs.
 */
#include <stdio.h>
#include <string.h>

#include "unpack/memcpy.c"

enum { LENGTHS = 1100, MARGIN = 64, ROOM = LENGTHS + 2 * MARGIN };

static unsigned char have[ROOM], want[ROOM], source[ROOM];

/* Keeps the compiler from calls of functions under test, or without them. */
static void *(*volatile copy)(void *restrict to, const void *restrict from, size_t length) = memcpy;
static void *(*volatile move)(void *to, const void *from, size_t length) = memmove;

static void fill(unsigned char *bytes)
{
	for (int i = 0; i < ROOM; i++)
		((volatile unsigned char *)bytes)[i] = (unsigned char)(i * 31 + i / 251);
}

static int differs(const char *what, int from, int to, int length)
{
	for (int i = 0; i < ROOM; i++)
		if (have[i] != want[i])
			return printf("%s of %d bytes from %d to %d: byte %d\n", what, length, from, to, i);
	return 0;
}

static int wrong_copy(int from, int to, int length)
{
	memset(have, 0xee, ROOM);
	memset(want, 0xee, ROOM);
	for (int i = 0; i < length; i++)
		((volatile unsigned char *)want)[to + i] = source[from + i];
	if (copy(have + to, source + from, (size_t)length) != have + to)
		return printf("memcpy of %d bytes returns another pointer\n", length);
	return differs("memcpy", from, to, length);
}

static int wrong_move(int from, int to, int length)
{
	fill(have);
	fill(want);
	for (int i = 0; i < length; i++)
		((volatile unsigned char *)want)[to + i] = source[from + i];
	if (move(have + to, have + from, (size_t)length) != have + to)
		return printf("memmove of %d bytes returns another pointer\n", length);
	return differs("memmove", from, to, length);
}

int main(void)
{
	fill(source);
	for (int length = 0; length <= LENGTHS; length++) {
		int step = length < 80 || length % 64 < 2 || length >= LENGTHS - 80 ? 1 : 7;
		for (int to = 0; to < MARGIN; to += step)
			if (wrong_copy(length % 17, to, length) || wrong_move(MARGIN / 2, to, length))
				return 1;
	}
	puts("ok");
	return 0;
}
