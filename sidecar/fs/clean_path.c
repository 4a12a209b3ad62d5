#include "fs/clean_path.h"

#include <stdbool.h>
#include <string.h>

#include "base/report.h"

static bool is_name(const char *start, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(start, name, length) == 0;
}

void clean_path_tidy(char *text)
{
	char *to = text;
	for (const char *from = text + strspn(text, "/"); *from; from += strspn(from, "/")) {
		size_t length = strcspn(from, "/");
		if (!is_name(from, length, ".")) {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	*to = '\0';
}

size_t clean_path_down(const char *text)
{
	const char *at = text;
	for (; *at && !is_name(at + 1, strcspn(at + 1, "/"), ".."); at += 1 + strcspn(at + 1, "/"))
		;
	return (size_t)(at - text);
}

const char *clean_path(const char *path)
{
	char *text = strdup(path), *to = text;
	if (!text)
		fail("allocate", NULL);
	clean_path_tidy(text);
	for (const char *from = text; *from;) {
		size_t length = 1 + strcspn(from + 1, "/");
		if (is_name(from, length, "/..")) {
			while (to > text && *--to != '/')
				;
		} else {
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	*to = '\0';
	return text;
}
