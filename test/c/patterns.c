/* Prints for each path, a line each, whether the patterns hide it: patterns PATTERN... -- PATH... */
#include <stdio.h>
#include <string.h>

#include "hide/states.h"

int main(int count, char **words)
{
	int at = 1;
	for (; at < count && strcmp(words[at], "--") != 0; at++) {
		const char *wrong = states_add(words[at]);
		if (wrong) {
			printf("%s: %s\n", words[at], wrong);
			return 1;
		}
	}
	while (++at < count)
		printf("%d %s\n", states_hide(words[at]), words[at]);
	return states_overflow();
}
