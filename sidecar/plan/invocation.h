/* The sidecar's command line, if its executable holds no plan. */
#ifndef NSBOX_PLAN_INVOCATION_H
#define NSBOX_PLAN_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>

struct invocation {
	const char *plan_file;
	int plan_fd;
	bool check, old_mount_api;
	char *const *extra; /* further arguments of the command, ending in NULL; or NULL */
	char *text; /* the plan's text, if it doesn't come from an executable */
	size_t length;
};

/* Prints a usage error, and ends with status 2. */
_Noreturn void invocation_refuse(const char *what, const char *word);
/* Reads the arguments. Wrong ones end the program with status 2, --help with status 0. */
struct invocation invocation_read(char **argv);
/* Reads the plan that the command line names. Fails by fail(). */
char *invocation_text(const struct invocation *invocation, size_t *length);

#endif
