#include "process/command_hint.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "process/verbs.h"

/* Commands that only a shell has, each with its NUL. */
static const char of_shells[] =
	"alias\0bg\0cd\0eval\0exec\0exit\0export\0fg\0for\0if\0jobs\0read\0set\0shift\0source\0trap\0type\0ulimit\0umask\0"
	"unset\0wait\0while\0.\0";

static bool is_in(const char *list, const char *word)
{
	for (; *list; list += strlen(list) + 1)
		if (strcmp(list, word) == 0)
			return true;
	return false;
}

/* Whether one letter too many, too few or another one, or two that are swapped, make one of the other. */
static bool is_near(const char *a, const char *b)
{
	size_t rest_a = strlen(a), rest_b = strlen(b);
	while (*a && *a == *b) {
		a++, b++;
		rest_a--, rest_b--;
	}
	while (rest_a && rest_b && a[rest_a - 1] == b[rest_b - 1]) {
		rest_a--;
		rest_b--;
	}
	return (rest_a <= 1 && rest_b <= 1) || (rest_a == 2 && rest_b == 2 && a[0] == b[1] && a[1] == b[0]);
}

const char *command_hint(const char *name)
{
	static char hint[200];
	const char *equals = strchr(name, '=');
	/* The first byte of a dash that isn't ASCII: U+2010 to U+2015, U+2212. */
	if (strncmp(name, "\xe2\x80", 2) == 0 || strncmp(name, "\xe2\x88\x92", 3) == 0)
		return "the word begins with a dash that is no hyphen: options are spelled with two hyphens, --";
	if (strchr(name, ' '))
		return "it is one word with a space in it: without the quotes it is a command and its arguments; for a command line: sh -c '...'";
	if (equals && equals != name) {
		snprintf(hint, sizeof hint, "--env %.60s sets a variable: nsbox --env %.60s COMMAND", name, name);
		return hint;
	}
	if (is_in(of_shells, name)) {
		snprintf(hint, sizeof hint, "%s is a command of shells: sh -c '%s ...'", name, name);
		return hint;
	}
	for (const char *verb = verb_names; *verb; verb += strlen(verb) + 1)
		if (strlen(name) > 2 && is_near(name, verb)) {
			snprintf(hint, sizeof hint, "looked for in the PATH of the box; if it is meant for nsbox: nsbox %s", verb);
			return hint;
		}
	return "looked for in the PATH of the box";
}
