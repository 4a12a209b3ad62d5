/*
 * Numbers in text and a search for a word, in the place of the C library's: those take 4 KB for locales, all bases and
 * long needles, and here numbers are the kernel's own and texts are short. Under glibc the C library's stay, since the
 * sanitizers intercept them.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifndef __GLIBC__

static int digit_of(char c, int base)
{
	int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : base;
	return digit < base ? digit : -1;
}

/* *END is TEXT itself where there is no number. One that is too large wraps around. */
unsigned long long strtoull(const char *restrict text, char **restrict end, int base)
{
	unsigned long long number = 0;
	const char *start = text + strspn(text, " \t\n"), *first = start + (*start == '-'), *at;
	int digit;
	for (at = first; (digit = digit_of(*at, base)) >= 0; at++)
		number = number * (unsigned)base + (unsigned)digit;
	if (end)
		*end = (char *)(at == first ? text : at);
	return first == start ? number : -number;
}

long long strtoll(const char *restrict text, char **restrict end, int base)
{
	return (long long)strtoull(text, end, base);
}
long strtol(const char *restrict text, char **restrict end, int base) { return (long)strtoull(text, end, base); }

char *strstr(const char *text, const char *word)
{
	size_t length = strlen(word);
	for (; strncmp(text, word, length) != 0; text++)
		if (!*text)
			return NULL;
	return (char *)text;
}

#endif
