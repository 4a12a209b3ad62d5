/*
 * Prints a line for each line that it reads: what nsbox-net takes it for. An address is the kind of its range, or
 * "public"; with a "=" before it, a name as rules have it; with a "~", a rule. "-" is neither.
 */
#include <stdio.h>
#include <string.h>

#include "net/address.h"
#include "net/name.h"
#include "net/rule.h"

int main(void)
{
	static char line[2048];
	char name[NAME_SIZE];
	struct address address;
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line == '=') {
			puts(name_read(line + 1, strlen(line + 1), name) ? "-" : name);
			continue;
		}
		if (*line == '~') {
			struct rule rule;
			const char *wrong = rule_read(line + 1, true, &rule);
			printf("%s%s\n", wrong ? "- " : "", wrong ? wrong : rule.name);
			continue;
		}
		const char *range = address_read(line, &address) ? address_range(&address) : "-";
		puts(range ? range : "public");
	}
	return fflush(stdout) != 0;
}
