#include "hide/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hide_report.h"

static int to = -1;

void failure_to(int descriptor) { to = descriptor; }

void failure_report(const char *what, const char *path, const char *hint, int number)
{
	struct hide_report report = {.number = number};
	snprintf(report.what, sizeof report.what, "%s", what);
	snprintf(report.hint, sizeof report.hint, "%s", hint ? hint : "");
	snprintf(report.path, sizeof report.path, "%s", path ? path : "");
	(void)!write(to, &report, sizeof report);
}

_Noreturn void failure(const char *what, const char *path, const char *hint, int number)
{
	failure_report(what, path, hint, number);
	exit(125);
}
