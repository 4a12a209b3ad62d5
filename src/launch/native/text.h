/* Texts without a C library. */
#ifndef NSBOX_NATIVE_TEXT_H
#define NSBOX_NATIVE_TEXT_H

#include "machine.h"

static uint64_t length_of(const char *text)
{
	uint64_t length = 0;
	while (text[length])
		length++;
	return length;
}

static int is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int are_same_bytes(const char *a, const char *b, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++)
		if (a[i] != b[i])
			return 0;
	return 1;
}

/* The rest of TEXT behind START, or NULL. */
static const char *behind(const char *text, const char *start)
{
	while (*start)
		if (*text++ != *start++)
			return 0;
	return text;
}

/* Whether LIST, texts with their NULs behind each other and an empty one at the end, has WORD. */
static int is_in(const char *list, const char *word)
{
	for (; *list; list += length_of(list) + 1)
		if (is_same(list, word))
			return 1;
	return 0;
}

/* FNV-1a: it finds a record, and notices a damaged one. */
static uint64_t hash(const char *bytes, uint64_t length)
{
	uint64_t sum = 0xcbf29ce484222325;
	for (uint64_t i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return sum;
}

__asm__("descriptors: .ascii \"/proc/self/fd/\"\n");
enum { DESCRIPTOR_NAME = 14 + 20 + 1 };

/* Puts the name that DESCRIPTOR has in /proc into NAME. */
static void name_descriptor(char name[DESCRIPTOR_NAME], long descriptor)
{
	enum { PREFIX = 14 };
	char *at = name + PREFIX;
	long unit = 1;
	__builtin_memcpy(name, ADDRESS_OF("descriptors"), PREFIX);
	while (descriptor / unit > 9)
		unit *= 10;
	for (; unit; unit /= 10)
		*at++ = (char)('0' + descriptor / unit % 10);
	*at = 0;
}

static void put_digits(char name[17], uint64_t number)
{
	for (int i = 15; i >= 0; i--, number >>= 4)
		name[i] = (char)((number & 15) + ((number & 15) < 10 ? '0' : 'a' - 10));
	name[16] = 0;
}

#endif
