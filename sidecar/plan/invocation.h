/* How the sidecar is asked, where it holds no plan itself. */
#ifndef NSBOX_PLAN_INVOCATION_H
#define NSBOX_PLAN_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>

struct invocation {
	const char *plan_file;
	int plan_fd;
	bool check, old_mount_api;
	char *const *extra; /* for the command, ends in NULL; or NULL */
	char *text;         /* of the plan, if it stands in no executable */
	size_t length;
};

/* It is wrong usage: say so, and end with status 2. */
_Noreturn void invocation_refuse(const char *what, const char *word);
/* From the arguments; wrong ones end the program with status 2, and --help with 0. */
struct invocation invocation_read(char **argv);
/* The plan that it names. Fails by fail(). */
char *invocation_text(const struct invocation *given, size_t *length);

#endif
