#include "plan/invocation.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/line.h"
#include "base/report.h"

#ifndef NSBOX_VERSION
#define NSBOX_VERSION "unknown"
#endif

static const char usage_text[] =
	"nsbox-sidecar " NSBOX_VERSION ": carries out a plan that nsbox made\n"
	"usage: nsbox-sidecar (--plan-fd N | --plan FILE) [--check] [--old-mount-api] [-- ARG...]\n"
	"  --check          validate the plan and run nothing\n"
	"  --old-mount-api  use mount(2) and a checked walk, as kernels before 5.12 need\n"
	"  ARG...           appended to the command of the plan\n";

void invocation_refuse(const char *what, const char *word)
{
	line_begin(2);
	line_add_format("nsbox-sidecar: %s%s", what, *word ? ": " : "");
	line_add_safe(word, LINE_TEXT);
	line_add("\nhint: nsbox-sidecar --help\n");
	line_end();
	exit(STATUS_USAGE);
}

static int descriptor_of(const char *text)
{
	int number = 0;
	const char *digit = text;
	for (; *digit >= '0' && *digit <= '9' && number < 1 << 20; digit++)
		number = number * 10 + (*digit - '0');
	if (digit == text || *digit || number > 1 << 20)
		invocation_refuse("not a descriptor", text);
	return number;
}

struct invocation invocation_read(char **argv)
{
	struct invocation invocation = {.plan_fd = -1};
	for (char **word = argv + 1; *word; word++) {
		if (strcmp(*word, "--") == 0) {
			invocation.extra = word + 1;
			break;
		}
		if (strcmp(*word, "--help") == 0 || strcmp(*word, "--version") == 0) {
			line_begin(1);
			line_add(usage_text);
			if (!line_end())
				fail("write", "the usage");
			exit(0);
		}
		bool takes_value = strcmp(*word, "--plan-fd") == 0 || strcmp(*word, "--plan") == 0;
		if (takes_value && !word[1])
			invocation_refuse("missing value", *word);
		if (strcmp(*word, "--plan-fd") == 0)
			invocation.plan_fd = descriptor_of(*++word);
		else if (strcmp(*word, "--plan") == 0)
			invocation.plan_file = *++word;
		else if (strcmp(*word, "--check") == 0)
			invocation.check = true;
		else if (strcmp(*word, "--old-mount-api") == 0)
			invocation.old_mount_api = true;
		else
			invocation_refuse("unknown option", *word);
	}
	if (!invocation.plan_file == (invocation.plan_fd < 0))
		invocation_refuse("one of --plan-fd and --plan is needed", "");
	return invocation;
}

char *invocation_text(const struct invocation *invocation, size_t *length)
{
	int fd = invocation->plan_fd;
	const char *name = "the plan";
	if (invocation->plan_file) {
		name = invocation->plan_file;
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail("open", name);
	}
	char *text = descriptor_read_all(fd, name, length);
	if (fd > 2)
		close(fd);
	return text;
}
